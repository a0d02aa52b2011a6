/*
 * The own domains that Postfix takes a recipient's domain for, because it compares both with their
 * case folded. Owns nothing; any thread may call it. t/unit/test_check_lookups.c covers it.
 */
#include <string.h>

#include "lib/match/domain.h"
#include "lib/rules/check_private.h"

/* Not inlined, so that only domains with characters that are not ASCII need this much stack. */
__attribute__((noinline)) static bool folds_to(const char *own, const char *domain)
{
	char folded[DOMAIN_SIZE];

	return domain_fold(own, folded) && strcmp(folded, domain) == 0;
}

const char *find_folded_domain(const char *domains, const char *domain)
{
	for (; *domains != '\0'; domains += strlen(domains) + 1) {
		if (strstr(domains, "xn--") != NULL && folds_to(domains, domain))
			break;
	}
	return domains;
}
