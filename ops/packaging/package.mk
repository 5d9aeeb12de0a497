# Packages, image and SBOM of usher; read by the Makefile.
.PHONY: package package-lint package-test runbook-test

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

# The commands of the operators' pages, run as they stand there on a fresh Debian (SUITE=trixie or bookworm) with these packages.
runbook-test:
	@ops/local/deps.sh kafka package
	@tests/runbook/run

# What is in the programs (CycloneDX, JSON), and an OCI image with all of them, as a tar that needs no daemon: skopeo and
# podman take it as oci-archive:build/usher-VERSION.oci.tar.
.PHONY: sbom image reproduce
sbom: all
	@/usr/bin/python3 -B ops/build/sbom.py $(VERSION) build/release/bin $(WEB)/package-lock.json >build/usher-$(VERSION).cdx.json
	@echo build/usher-$(VERSION).cdx.json

image: all
	@ops/local/deps.sh image
	@/usr/bin/python3 -B ops/build/image.py $(VERSION) build/release/bin build/usher-$(VERSION).oci.tar

# Builds twice in different places, and compares byte by byte what comes out.
reproduce:
	@ops/local/deps.sh build package image
	@JOBS=$(JOBS) ops/packaging/reproduce $(WHAT)
