#include "lib/match/domain.h"

#include <arpa/inet.h>
#include <idn2.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static char fold(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* The A-label form of a name with non-ASCII bytes, or -1 when it is no valid IDN. */
static int to_ascii(const char *name, size_t len, char out[DOMAIN_SIZE])
{
	char copy[DOMAIN_SIZE], *ascii = NULL;
	size_t ascii_len;
	int ret = -1;

	memcpy(copy, name, len);
	copy[len] = '\0';
	if (strlen(copy) != len || idn2_to_ascii_8z(copy, &ascii, IDN2_NONTRANSITIONAL) != IDN2_OK)
		return -1;
	ascii_len = strlen(ascii);
	if (ascii_len < DOMAIN_SIZE) {
		memcpy(out, ascii, ascii_len + 1);
		ret = (int)ascii_len;
	}
	idn2_free(ascii);
	return ret;
}

int domain_canon(const char *name, size_t len, char out[DOMAIN_SIZE])
{
	bool ascii = true;
	size_t i;
	int ret;

	if (len > 1 && name[len - 1] == '.')
		len--;
	if (len >= DOMAIN_SIZE)
		return -1;
	for (i = 0; i < len && ascii; i++)
		ascii = (unsigned char)name[i] < 0x80;
	if (!ascii && (ret = to_ascii(name, len, out)) >= 0)
		return ret;
	for (i = 0; i < len; i++)
		out[i] = fold(name[i]);
	out[len] = '\0';
	return (int)len;
}

bool domain_is_literal(const char *name, size_t len)
{
	unsigned char addr[16];
	char text[INET6_ADDRSTRLEN];

	if (len > 0 && name[0] == '[')
		return true;
	if (len >= sizeof(text))
		return false;
	memcpy(text, name, len);
	text[len] = '\0';
	return inet_pton(AF_INET, text, addr) == 1 || inet_pton(AF_INET6, text, addr) == 1;
}

const char *domain_parent(const char *name)
{
	const char *dot = strchr(name, '.');

	return dot != NULL ? dot + 1 : NULL;
}
