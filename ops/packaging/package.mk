# Packages and images of usher; read by the Makefile.
.PHONY: package package-lint package-test

# Debian packages for the release that this machine has, in build/package, out of what git has at HEAD.
package: dist
	@ops/local/deps.sh build package
	@JOBS=$(JOBS) ops/packaging/build-packages build/usher-$(VERSION).tar.gz build/package

# What Debian's own checker says of them; fails where it finds an error or a warning.
package-lint:
	@lintian --fail-on error,warning --info build/package/*.changes && echo "lintian: nothing to complain of"

# The packages in a bare Debian (SUITE=bookworm or trixie): built, installed, used, upgraded, removed, purged.
package-test:
	@ops/local/deps.sh package
	@ops/packaging/package-test
