/*
 * Fuzzes the canonical form of domains and their organizational domain. The canonical form is its
 * own canonical form, and the same holds for the organizational domain.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/match/domain.h"
#include "lib/match/orgdomain.h"
#include "t/fuzz/fuzz.h"

static void must(bool holds)
{
	if (!holds)
		abort();
}

/* The organizational domain is a suffix of the name and its own organizational domain. */
static void look_up(const char *name)
{
	static struct orgdomain *psl;
	const char *org;

	if (psl == NULL)
		must(orgdomain_default(&psl, NULL) == 0);
	org = orgdomain_of(psl, name);
	if (org == NULL || org[0] == '[')
		return;
	must(org >= name && org < name + strlen(name) && strchr(org, '.') != NULL);
	must(org == name || org[-1] == '.');
	must(orgdomain_of(psl, org) == org);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	const char *name = (const char *)bytes;
	char out[DOMAIN_SIZE], again[DOMAIN_SIZE];
	int len = domain_canon(name, size, out);

	(void)domain_is_literal(name, size);
	if (len < 0)
		return 0;
	must((size_t)len < DOMAIN_SIZE && out[len] == '\0');
	if (memchr(bytes, 0, size) != NULL)
		return 0;
	must(strlen(out) == (size_t)len);
	must(strpbrk(out, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == NULL);
	look_up(out);
	if (len > 0 && out[len - 1] == '.')
		return 0;
	must(domain_canon(out, (size_t)len, again) == len && strcmp(again, out) == 0);
	return 0;
}
