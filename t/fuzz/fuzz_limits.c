/*
 * Fuzzes the parser of rate limits. Limits that were read are within the documented bounds and are
 * read as the same limits when they are written.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/strbuf.h"
#include "lib/rules/limits.h"
#include "t/fuzz/fuzz.h"

static void must(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct limits limits = { 0 }, again = { 0 };
	struct strbuf written = STRBUF_INIT;
	struct errmsg err = { "" };
	char one[32];
	size_t i;

	if (limits_parse((const char *)bytes, size, &limits, &err) < 0) {
		must(err.text[0] != '\0' && limits.len == 0);
		return 0;
	}
	must(limits.len <= LIMITS_MAX);
	for (i = 0; i < limits.len; i++) {
		must(limits.limit[i].count <= 1000000000);
		must(limits.limit[i].seconds >= 1 && limits.limit[i].seconds <= 366 * 86400);
		limit_format(&limits.limit[i], one);
		strbuf_addf(&written, "%s%s", i > 0 ? "," : "", one);
	}
	strbuf_add_str(&written, "");
	must(limits_parse(written.text, written.len, &again, &err) == 0);
	must(again.len == limits.len);
	for (i = 0; i < limits.len; i++) {
		must(again.limit[i].count == limits.limit[i].count);
		must(again.limit[i].seconds == limits.limit[i].seconds);
	}
	strbuf_free(&written);
	return 0;
}
