#!/bin/bash
# embed_page.sh HEADER NAME FOLDER: prints the C source of a web page. FOLDER has page.html, page.css and page.js, which
# a browser can open as they are. Style and script are put into the page, which then is one text: `const char
# NAME_html[]`. `const char NAME_policy[]` is its Content-Security-Policy: this style and this script, known by their
# hashes, may be used, data may be read from the page's own server, and nothing else is allowed. HEADER declares both.
set -euo pipefail
export LC_ALL=C

header=$1 name=$2 folder=$3

# The hash of a file as the policy writes it: SHA-256 in base64.
hash() {
    local bytes
    bytes=$(sha256sum <"$1" | cut -c 1-64 | sed 's/../\\x&/g')
    printf '%b' "$bytes" | base64
}

# The text of standard input as lines of a C string.
quoted() {
    sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/    "/' -e 's/$/\\n"/'
}

# Between the tags stands exactly what the file holds, its last line end too, since that is what the hash is of.
page() {
    local line
    while IFS= read -r line; do
        case $line in
        '<link rel="stylesheet" href="page.css">') printf '<style>' && cat "$folder/page.css" && printf '</style>\n' ;;
        '<script src="page.js"></script>') printf '<script>' && cat "$folder/page.js" && printf '</script>\n' ;;
        *) printf '%s\n' "$line" ;;
        esac
    done <"$folder/page.html"
}

if grep -qiE '</(style|script)' "$folder/page.css" "$folder/page.js"; then
    echo "embed_page.sh: style and script must not hold the tag that ends them" >&2
    exit 1
fi
text=$(page)
[[ $text = *'<style>'*'<script>'* ]] || {
    echo "embed_page.sh: $folder/page.html lacks its style or its script" >&2
    exit 1
}
printf '/* Generated from %s. */\n#include "%s"\n\nconst char %s_html[] =\n' "$folder" "$header" "$name"
quoted <<<"$text"
printf '    "";\n\nconst char %s_policy[] =\n' "$name"
cat <<END
    "default-src 'none'; style-src 'sha256-$(hash "$folder/page.css")'; script-src 'sha256-$(hash "$folder/page.js")'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
END
