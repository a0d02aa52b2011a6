#ifndef POSTERN_BENCH_SMTP_CLIENT_H
#define POSTERN_BENCH_SMTP_CLIENT_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/errmsg.h"

/* One SMTP connection of a client that waits for each reply. One thread at a time. */
struct smtp_client {
	int fd; /* -1: closed */
	size_t used, filled;
	char input[4096];
};

/*
 * Connect to a port of 127.0.0.1 and read the greeting. Returns its code, or -1 with err set and
 * the client closed. A reply that does not come within `patience` seconds is an error, then and
 * later.
 */
int smtp_client_open(struct smtp_client *client, uint16_t port, double patience,
	struct errmsg *err);

/* Send one command, without its CRLF, and read the reply. Returns its code, or -1 with err set. */
int smtp_client_command(struct smtp_client *client, struct errmsg *err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Send a message that ends in CRLF "." CRLF, after DATA, and read the reply, as above. */
int smtp_client_message(struct smtp_client *client, const char *text, size_t len,
	struct errmsg *err);

/* Close the connection; nothing happens if it is closed. */
void smtp_client_close(struct smtp_client *client);

#endif
