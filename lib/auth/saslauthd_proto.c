/*
 * Reads the requests and writes the answers of the saslauthd protocol. It has no state and runs on
 * any thread.
 */
#include "lib/auth/saslauthd_proto.h"

#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { LOGIN, PASSWORD, SERVICE, REALM, STRINGS };

struct counted {
	const char *text;
	size_t len;
};

/* Read one counted string at *at, and advance *at. */
static enum saslauthd_result read_string(const char *bytes, size_t len, size_t *at, size_t max,
	struct counted *string_r, struct errmsg *err)
{
	size_t left = len - *at, want;

	if (left < 2)
		return SASLAUTHD_MORE;
	want = (size_t)(uint8_t)bytes[*at] << 8 | (uint8_t)bytes[*at + 1];
	if (want > max) {
		/* Without the client's length: the log bounds equal lines. */
		(void)errmsg_set(err, "a string is longer than %zu bytes", max);
		return SASLAUTHD_BAD;
	}
	if (memchr(bytes + *at + 2, '\0', want < left - 2 ? want : left - 2) != NULL) {
		(void)errmsg_set(err, "a string contains a NUL");
		return SASLAUTHD_BAD;
	}
	if (left - 2 < want)
		return SASLAUTHD_MORE;
	*string_r = (struct counted){ bytes + *at + 2, want };
	*at += 2 + want;
	return SASLAUTHD_WHOLE;
}

static void copy_string(char *to, const struct counted *from)
{
	memcpy(to, from->text, from->len);
	to[from->len] = '\0';
}

/* Read the fifth string. Returns AF_UNSPEC if it is missing or is not an address. */
static struct cidr read_client(const char *bytes, size_t len, size_t at)
{
	struct cidr client = { .family = AF_UNSPEC };
	char text[INET6_ADDRSTRLEN + sizeof(";65535")];
	struct counted string;
	struct errmsg err;

	if (read_string(bytes, len, &at, sizeof(text) - 1, &string, &err) != SASLAUTHD_WHOLE)
		return client;
	copy_string(text, &string);
	text[strcspn(text, ";")] = '\0';
	if (strchr(text, '/') == NULL)
		(void)cidr_parse(text, &client, NULL);
	return client;
}

enum saslauthd_result saslauthd_parse(const char *bytes, size_t len,
	struct saslauthd_request *request_r, struct errmsg *err)
{
	struct counted string[STRINGS];
	enum saslauthd_result result;
	size_t at = 0;

	for (int i = 0; i < STRINGS; i++) {
		result = read_string(bytes, len, &at,
			i == PASSWORD ? SASLAUTHD_PASSWORD_MAX : SASLAUTHD_NAME_MAX, &string[i],
			err);
		if (result != SASLAUTHD_WHOLE)
			return result;
	}
	copy_string(request_r->login, &string[LOGIN]);
	copy_string(request_r->password, &string[PASSWORD]);
	copy_string(request_r->service, &string[SERVICE]);
	if (string[REALM].len > 0) {
		request_r->login[string[LOGIN].len] = '@';
		copy_string(request_r->login + string[LOGIN].len + 1, &string[REALM]);
	}
	request_r->client = read_client(bytes, len, at);
	return SASLAUTHD_WHOLE;
}

void saslauthd_answer(struct strbuf *out, const char *text)
{
	size_t len = strlen(text);

	strbuf_add_char(out, (char)(len >> 8));
	strbuf_add_char(out, (char)(len & 0xff));
	strbuf_add(out, text, len);
}
