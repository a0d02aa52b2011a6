#ifndef POSTERN_BENCH_PACKET_H
#define POSTERN_BENCH_PACKET_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/strbuf.h"

/*
 * Packets of the milter protocol (libmilter/mfdef.h): a length of 32 bits in network order, a
 * command of one byte, and its arguments.
 */

/* The longest reply that is accepted, in bytes; no real reply is nearly as long. */
#define PACKET_MAX_REPLY 65536

/* Begin a packet at the end of out. Returns its place for packet_end(). */
size_t packet_begin(struct strbuf *out, char command);

/* Write the length of the packet that began at `place`. Does nothing when out has failed. */
void packet_end(struct strbuf *out, size_t place);

/* Add an argument: text with its NUL, or a number of 32 or 16 bits in network order. */
void packet_add_text(struct strbuf *out, const char *text);
void packet_add_u32(struct strbuf *out, uint32_t number);
void packet_add_u16(struct strbuf *out, uint16_t number);

/* A packet without arguments. */
void packet_add_bare(struct strbuf *out, char command);

/* One packet that was read; `args` points into the buffer that contains it. */
struct packet {
	char command;
	const char *args;
	size_t args_len;
	size_t size; /* bytes in the buffer, including the length field */
};

enum packet_found { PACKET_WHOLE, PACKET_PARTIAL, PACKET_BAD };

/*
 * Find the packet at the beginning of buf. PACKET_WHOLE sets *packet_r; PACKET_PARTIAL means that
 * more bytes are needed; PACKET_BAD means a length of 0 or above PACKET_MAX_REPLY.
 */
enum packet_found packet_find(const char *buf, size_t len, struct packet *packet_r);

/* Return the 32-bit number at the beginning of args, which must hold at least 4 bytes. */
uint32_t packet_read_u32(const char *args);

#endif
