/* The version of the programs: VERSION of the Makefile, and nowhere else. */
#ifndef USHER_RUNTIME_VERSION_H
#define USHER_RUNTIME_VERSION_H

extern const char usher_version[]; /* "1.2.3" */

#endif
