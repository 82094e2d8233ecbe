#!/bin/sh
# Builds shared/pages/static from NHS.UK frontend and our own style and pictures; needs node and npm. Run by make assets.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
static=$here/../../shared/pages/static
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cp "$here/package.json" "$here/pir.scss" "$work"
cd "$work"
npm install --ignore-scripts --no-audit --no-fund --no-package-lock --silent
npx --no-install sass --load-path=node_modules --style=compressed --no-charset --no-source-map --quiet-deps \
    pir.scss pir.css

rm -rf "$static"
mkdir -p "$static/images"
cp pir.css "$here/nhsuk-frontend-licence.txt" "$static"
grep -o 'images/[a-z-]*\.svg' pir.css | sort -u | while read -r picture; do
    cp "node_modules/nhsuk-frontend/dist/nhsuk/assets/$picture" "$static/images"
done
cp "$here"/images/*.svg "$static/images"
