#include "lib/auth/saslauthd_proto.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { LOGIN, PASSWORD, SERVICE, REALM, STRINGS };

struct counted {
	const char *text;
	size_t len;
};

/* One counted string. */
static enum saslauthd_result take(const char *bytes, size_t len, size_t *at, size_t max,
	struct counted *string_r, struct errmsg *err)
{
	size_t left = len - *at, want;

	if (left < 2)
		return SASLAUTHD_MORE;
	want = (size_t)(uint8_t)bytes[*at] << 8 | (uint8_t)bytes[*at + 1];
	if (want > max) {
		(void)errmsg_set(err, "a string of %zu bytes, more than %zu", want, max);
		return SASLAUTHD_BAD;
	}
	if (memchr(bytes + *at + 2, '\0', want < left - 2 ? want : left - 2) != NULL) {
		(void)errmsg_set(err, "a string with a NUL");
		return SASLAUTHD_BAD;
	}
	if (left - 2 < want)
		return SASLAUTHD_MORE;
	*string_r = (struct counted){ bytes + *at + 2, want };
	*at += 2 + want;
	return SASLAUTHD_WHOLE;
}

static void copy(char *to, const struct counted *from)
{
	memcpy(to, from->text, from->len);
	to[from->len] = '\0';
}

enum saslauthd_result saslauthd_parse(const char *bytes, size_t len,
	struct saslauthd_request *request_r, struct errmsg *err)
{
	struct counted string[STRINGS];
	enum saslauthd_result result;
	size_t at = 0;

	for (int i = 0; i < STRINGS; i++) {
		result = take(bytes, len, &at,
			i == PASSWORD ? SASLAUTHD_PASSWORD_MAX : SASLAUTHD_NAME_MAX, &string[i],
			err);
		if (result != SASLAUTHD_WHOLE)
			return result;
	}
	copy(request_r->login, &string[LOGIN]);
	copy(request_r->password, &string[PASSWORD]);
	copy(request_r->service, &string[SERVICE]);
	if (string[REALM].len > 0) {
		request_r->login[string[LOGIN].len] = '@';
		copy(request_r->login + string[LOGIN].len + 1, &string[REALM]);
	}
	return SASLAUTHD_WHOLE;
}

void saslauthd_answer(struct strbuf *out, const char *text)
{
	size_t len = strlen(text);

	strbuf_add_char(out, (char)(len >> 8));
	strbuf_add_char(out, (char)(len & 0xff));
	strbuf_add(out, text, len);
}
