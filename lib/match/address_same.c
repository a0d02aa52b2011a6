/*
 * Compares the local parts of two addresses as MTAs spell them: without quotes and backslashes, and
 * with an extension or without. Stateless; any thread may call it.
 */
#include <string.h>

#include "lib/match/address_private.h"
#include "lib/match/address_readings.h"

/* A local part without quotes and backslashes. A NUL ends it. */
struct bare {
	char text[ADDRESS_CANON_SIZE];
	size_t len;
};

static void find_bare(const struct mail_address *address, struct bare *bare_r)
{
	size_t i, n = 0;

	for (i = 0; i < address->local_len; i++) {
		if (address->canon[i] != '"' && address->canon[i] != '\\')
			bare_r->text[n++] = address->canon[i];
	}
	bare_r->text[n] = '\0';
	bare_r->len = n;
}

/* Return whether a local part is the other one with an extension. */
static bool has_base(const struct bare *local, const struct bare *base, const char *delimiters)
{
	return base->len > 0 && local->len > base->len &&
		memcmp(local->text, base->text, base->len) == 0 &&
		strchr(delimiters, local->text[base->len]) != NULL;
}

static size_t base_len(const struct bare *local, const char *delimiters)
{
	return delimiters[0] == '\0' ? local->len :
				       address_local_base_len(local->text, local->len, delimiters);
}

static bool same_bytes(const struct bare *a, size_t a_len, const struct bare *b, size_t b_len)
{
	return a_len == b_len && memcmp(a->text, b->text, a_len) == 0;
}

bool address_unescape(const struct mail_address *address, struct mail_address *plain_r)
{
	struct bare bare;
	const char *domain = address->canon + address->local_len;
	const size_t domain_len = strlen(domain);

	find_bare(address, &bare);
	if (bare.len + domain_len >= sizeof(bare.text))
		return false;
	memcpy(bare.text + bare.len, domain, domain_len + 1);
	return address_parse_internal(bare.text, plain_r);
}

bool address_same_local(const struct mail_address *a, const struct mail_address *b,
	const char *delimiters, bool *is_whole_r)
{
	struct bare of_a, of_b;

	find_bare(a, &of_a);
	find_bare(b, &of_b);
	*is_whole_r = same_bytes(&of_a, of_a.len, &of_b, of_b.len);
	return *is_whole_r || has_base(&of_a, &of_b, delimiters) ||
		has_base(&of_b, &of_a, delimiters) ||
		same_bytes(&of_a, base_len(&of_a, delimiters), &of_b, base_len(&of_b, delimiters));
}
