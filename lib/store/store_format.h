#ifndef POSTERN_STORE_FORMAT_H
#define POSTERN_STORE_FORMAT_H

#include "lib/store/store_read.h"

/*
 * The form of the stores that store_write() makes. It is JSON, but has one row per line, so that a
 * million rows need no tree in memory:
 *
 *	{"format":"postern-store-1","revision":"...","written":"2026-01-31T23:59:59Z",
 *	"profiles":[
 *	{"id":1,...},
 *	{"id":2,...}
 *	],
 *	"users":[
 *	{"id":1,...}
 *	],
 *	"checksum":"sha256:..."}
 *
 * The checksum covers all bytes before its own line.
 */
#define STORE_FORMAT_MEMBER "{\"format\":\"" STORE_FORMAT "\","
#define STORE_HEAD STORE_FORMAT_MEMBER "\"revision\":\""
#define STORE_CHECKSUM "\"checksum\":\"sha256:"

#endif
