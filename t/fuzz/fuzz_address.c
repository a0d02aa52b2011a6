/*
 * Fuzzes the parser of mail addresses. The canonical form of an accepted address fits its buffer
 * and is read as the same address again.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/match/address_readings.h"
#include "t/fuzz/fuzz.h"

static void must(bool holds)
{
	if (!holds)
		abort();
}

/* Whether the canonical form could be typed and has no brackets, route or white space that parsing
 * removes. A-labels may make it longer than a typed address can be. */
static bool stands_alone(const struct mail_address *a)
{
	const char *c = a->canon;
	size_t len = a->canon_len;

	return len > 0 && len <= ADDRESS_MAX && strchr("<@ \t", c[0]) == NULL &&
		strchr("> \t.", c[len - 1]) == NULL;
}

static void read_all(const struct mail_address *a)
{
	struct address_readings readings;
	struct mail_address inner;
	struct address_key key;
	unsigned form;
	size_t i;

	must(address_readings_find(a, &readings) == (readings.count <= ADDRESS_READINGS_MAX));
	for (i = 0; i < readings.count; i++) {
		must(strlen(readings.at[i].canon) == readings.at[i].canon_len);
		for (form = 0; form < address_all_keys("+-"); form++) {
			if (address_key(&readings.at[i], "+-", form, &key))
				must(strlen(key.text) == key.len);
		}
	}
	must(!a->is_simple || readings.count == 1);
	address_innermost(a, &inner);
	address_count_key(&inner, "+-", &key);
	must(strlen(key.text) == key.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct mail_address a, again;

	if (address_parse((const char *)bytes, size, &a) < 0)
		return 0;
	must(size > 0 || a.is_null);
	must(strlen(a.text) == a.text_len && a.text_len <= ADDRESS_MAX);
	must(strlen(a.canon) == a.canon_len && a.canon_len < ADDRESS_CANON_SIZE);
	must(a.is_null == (a.text_len == 0));
	must(a.local_len == a.canon_len || a.canon[a.local_len] == '@');
	must(strlen(address_domain(&a)) < DOMAIN_SIZE);
	must(a.has_domain == (address_domain(&a)[0] != '\0'));
	must(address_equal(&a, &a) && address_base_len(&a, "+-") <= a.local_len);
	if (!a.is_odd)
		read_all(&a);
	if (stands_alone(&a)) {
		must(address_parse(a.canon, a.canon_len, &again) == 0 && address_equal(&a, &again));
		must(a.local_len == again.local_len && a.is_literal == again.is_literal);
	}
	return 0;
}
