#ifndef POSTERN_STORE_TEXT_H
#define POSTERN_STORE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/errmsg.h"
#include "lib/store/store_read.h"
#include "lib/store/store_row.h"

/*
 * The two forms of a store's text. Part of store_read.c.
 *
 * What store_write() makes is JSON too, but by the line, so that a million rows need no tree in
 *memory:
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
 * The checksum is that of all bytes before its line.
 */
#define STORE_HEAD "{\"format\":\"" STORE_FORMAT "\",\"revision\":\""
#define STORE_CHECKSUM "\"checksum\":\"sha256:"

/* What stands beside the rows. */
struct store_head {
	char *revision; /* the caller's to free() */
	int64_t written;
};

/* Whether it begins as store_write() begins. */
bool store_text_is_machine(const char *text, size_t len);

/* Verify the checksum and take the rows; text is written over. 0, or -1 with err (without the
 * path). */
int store_text_machine(struct store_rows *rows, char *text, size_t len, struct store_head *head_r,
	struct errmsg *err);

/* Take the rows of a store made by hand. 0, or -1 with err (without the path). */
int store_text_hand(struct store_rows *rows, const char *text, size_t len, struct errmsg *err);

#endif
