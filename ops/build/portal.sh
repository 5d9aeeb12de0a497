#!/bin/bash
# portal.sh WEB OUT: builds the pages of the portal in WEB (ingest/portal/web) into OUT, with the packages that
# package-lock.json names. Where that is impossible it says in a sentence what is missing, and OUT becomes a page that
# says the same; OUT/files.json is then older than everything, so that the next make tries again.
set -uo pipefail
web=$1 out=$2
work=build/portal-npm log=build/portal-npm.log

without() {
    echo "portal: $1 The rest is built; make tries again the next time." >&2
    rm -rf "$out" && mkdir -p "$out"
    for page in page docs; do
        printf '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>usher</title></head>\n<body><main><h1>No portal</h1><p>%s\n%s</p></main></body></html>\n' \
            "This usher was built without its pages: ${1//\`/}" "Everything else works." >"$out/$page.html"
    done
    echo '{"files": []}' >"$out/files.json"
    touch -d @0 "$out/files.json"
    exit 0
}

command -v npm >/dev/null || without "npm is not installed (Debian packages nodejs and npm)."
mkdir -p "$work" && cp "$web/package.json" "$web/package-lock.json" "$web/.npmrc" "$work/" || exit 1
# npm ci takes a while, so it runs when what it installs has changed, and not when a page has.
wanted=$(cat "$web/package.json" "$web/package-lock.json" | sha256sum)
if [ "$wanted" != "$(cat "$work/installed" 2>/dev/null)" ]; then
    echo "  NPM     $web"
    rm -f "$work/installed"
    npm --prefix "$work" ci --ignore-scripts --no-audit --no-fund --fetch-retries=1 --loglevel=error >"$log" 2>&1 </dev/null ||
        without "npm could not fetch the packages of $web/package-lock.json from its registry ($log says why)."
    echo "$wanted" >"$work/installed"
fi
echo "  ESBUILD $web"
rm -rf "$work/src" && cp -r "$web/src" "$web/build.mjs" "$work/" && rm -rf "$out.new" || exit 1
(cd "$work" && node build.mjs) >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
rm -rf "$out" && mv "$work/out" "$out"
