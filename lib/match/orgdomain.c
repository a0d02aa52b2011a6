/*
 * The public suffix list, from libpsl. Each list is immutable and reference-counted; any thread may
 * ask it.
 */
#include "lib/match/orgdomain.h"

#include <errno.h>
#include <libpsl.h>
#include <stdlib.h>
#include <string.h>

#include "lib/match/domain.h"

struct orgdomain {
	unsigned refs;
	psl_ctx_t *psl;
};

/* Return whether it is a public suffix list, and not any other text, of which libpsl takes each
 * line as a suffix: with such a list, nearly every domain would be organizational. */
static bool is_list(const psl_ctx_t *psl)
{
	return psl != NULL &&
		psl_is_public_suffix2(psl, "com", PSL_TYPE_ANY | PSL_TYPE_NO_STAR_RULE);
}

int orgdomain_open(const char *path, struct orgdomain **psl_r, struct errmsg *err)
{
	bool named = path != NULL && path[0] != '\0';
	struct orgdomain *psl = calloc(1, sizeof(*psl));

	if (psl == NULL)
		return errmsg_set(err, "out of memory");
	psl->refs = 1;
	errno = 0;
	psl->psl = named ? psl_load_file(path) : psl_latest(NULL);
	if (!is_list(psl->psl)) {
		const char *why = psl->psl == NULL && errno != 0 ? strerror(errno) :
								   "the suffix com is missing";

		psl_free(psl->psl);
		free(psl);
		return errmsg_set(err, "%s: no public suffix list could be read from it: %s",
			named ? path : "the system's public suffix list", why);
	}
	*psl_r = psl;
	return 0;
}

const char *orgdomain_file(const char *path)
{
	return path != NULL && path[0] != '\0' ? path : psl_dist_filename();
}

struct orgdomain *orgdomain_ref(struct orgdomain *psl)
{
	if (psl != NULL)
		__atomic_add_fetch(&psl->refs, 1, __ATOMIC_RELAXED);
	return psl;
}

void orgdomain_unref(struct orgdomain **psl)
{
	struct orgdomain *gone = *psl;

	*psl = NULL;
	if (gone == NULL || __atomic_sub_fetch(&gone->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	psl_free(gone->psl);
	free(gone);
}

const char *orgdomain_of(const struct orgdomain *psl, const char *name)
{
	if (name[0] == '.' || strchr(name, '.') == NULL || strstr(name, "..") != NULL ||
		domain_is_literal(name, strlen(name)))
		return NULL;
	return psl_registrable_domain(psl->psl, name);
}
