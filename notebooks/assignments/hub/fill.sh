#!/usr/bin/env bash
# Makes the folder that learners share: notebooks, the cache of compiled programs and digits, the exchange.
# Run it as root, after each update: COURSE_SHARED names another folder than /srv/vae-and-gan.
# With names of notebooks as arguments, only those are run to fill the cache.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
course=$(cd "$here/../../.." && pwd)
shared=${COURSE_SHARED:-/srv/vae-and-gan}

mkdir -p "$shared/cache" "$shared/notebooks" "$shared/exchange"
chmod 1777 "$shared/exchange" # nbgrader asks that all may write to it
cp "$course"/notebooks/*.ipynb "$shared/notebooks/"

[ $# -gt 0 ] || set -- "$course"/notebooks/*.ipynb
for notebook in "$@"; do
    VAEGAN_HELPERS_CACHE="$shared/cache" jupyter nbconvert --to notebook --execute --stdout \
        "$course/notebooks/$(basename "$notebook")" >/dev/null
done
chmod -R a+rX,go-w "$shared/cache" "$shared/notebooks"
du -sh "$shared/cache"
