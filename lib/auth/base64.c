/*
 * Base64 and base64url (RFC 4648), strictly decoded, so that each byte string has exactly one text.
 * It has no state and runs on any thread.
 */
#include "lib/auth/base64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Returns the value of a character, or -1 when it is not of the alphabet that ends in c62 and c63.
 */
static int value_of(char c, char c62, char c63)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == c62)
		return 62;
	return c == c63 ? 63 : -1;
}

/* Decode len characters without padding; last holds the last two of the alphabet. */
static int decode_unpadded(const char *text, size_t len, const char last[2], uint8_t *out,
	size_t *len_r)
{
	uint32_t bits = 0;
	unsigned count = 0;
	size_t made = 0;

	if (len % 4 == 1)
		return -1;
	for (size_t i = 0; i < len; i++) {
		int value = value_of(text[i], last[0], last[1]);

		if (value < 0)
			return -1;
		bits = bits << 6 | (uint32_t)value;
		count += 6;
		if (count >= 8) {
			count -= 8;
			out[made++] = (uint8_t)(bits >> count);
		}
	}
	if ((bits & ((1U << count) - 1U)) != 0)
		return -1;
	*len_r = made;
	return 0;
}

int base64_decode(const char *text, size_t len, uint8_t *out, size_t *len_r)
{
	if (len % 4 != 0)
		return -1;
	if (len > 0 && text[len - 1] == '=')
		len -= text[len - 2] == '=' ? 2 : 1;
	return decode_unpadded(text, len, "+/", out, len_r);
}

int base64url_decode(const char *text, size_t len, uint8_t *out, size_t *len_r)
{
	return decode_unpadded(text, len, "-_", out, len_r);
}

void base64_encode(struct strbuf *buf, const void *bytes, size_t len)
{
	const uint8_t *in = bytes;

	for (size_t i = 0; i < len; i += 3) {
		size_t left = len - i;
		uint32_t bits = (uint32_t)in[i] << 16 | (left > 1 ? (uint32_t)in[i + 1] << 8 : 0) |
			(left > 2 ? in[i + 2] : 0U);

		strbuf_add_char(buf, alphabet[bits >> 18 & 63]);
		strbuf_add_char(buf, alphabet[bits >> 12 & 63]);
		strbuf_add_char(buf, left > 1 ? alphabet[bits >> 6 & 63] : '=');
		strbuf_add_char(buf, left > 2 ? alphabet[bits & 63] : '=');
	}
}
