/*
 * The public suffix list, from libpsl. Each list is immutable and reference-counted; any thread may
 * ask it.
 */
#include "lib/match/orgdomain.h"

#include <libpsl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/hash.h"
#include "lib/match/domain.h"

struct orgdomain {
	unsigned refs;
	psl_ctx_t *psl;
	uint64_t content; /* hash_bytes() of its text; 0: it has no text */
};

/* Return whether it is a public suffix list, and not any other text, of which libpsl takes each
 * line as a suffix: with such a list, nearly every domain would be organizational. */
static bool is_list(const psl_ctx_t *psl)
{
	return psl != NULL &&
		psl_is_public_suffix2(psl, "com", PSL_TYPE_ANY | PSL_TYPE_NO_STAR_RULE);
}

/* Take over the list if it is one. Returns 0, or -1 with err set to the reason. */
static int take_list(psl_ctx_t *list, struct orgdomain **psl_r, struct errmsg *err)
{
	struct orgdomain *psl = NULL;

	if (!is_list(list))
		(void)errmsg_set(err, "the suffix com is missing");
	else if ((psl = calloc(1, sizeof(*psl))) == NULL)
		(void)errmsg_set(err, "out of memory");
	if (psl == NULL) {
		psl_free(list);
		return -1;
	}
	psl->refs = 1;
	psl->psl = list;
	*psl_r = psl;
	return 0;
}

int orgdomain_parse(const char *text, size_t len, struct orgdomain **psl_r, struct errmsg *err)
{
	psl_ctx_t *list = NULL;
	FILE *file = NULL;

	if (len > 0 && (file = fmemopen((void *)(uintptr_t)text, len, "r")) == NULL)
		return errmsg_set(err, "out of memory");
	if (file != NULL) {
		list = psl_load_fp(file);
		(void)fclose(file);
	}
	if (take_list(list, psl_r, err) < 0)
		return -1;
	(*psl_r)->content = hash_bytes(text, len);
	return 0;
}

bool orgdomain_is_of(const struct orgdomain *psl, const char *text, size_t len)
{
	return psl->content == hash_bytes(text, len);
}

int orgdomain_default(struct orgdomain **psl_r, struct errmsg *err)
{
	return take_list(psl_latest(NULL), psl_r, err);
}

const char *orgdomain_default_file(void)
{
	return psl_dist_filename();
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

bool orgdomain_has_suffix(const struct orgdomain *psl, const char *name)
{
	return psl_is_public_suffix2(psl->psl, name, PSL_TYPE_ANY | PSL_TYPE_NO_STAR_RULE);
}

const char *orgdomain_of(const struct orgdomain *psl, const char *name)
{
	if (name[0] == '.' || strchr(name, '.') == NULL || strstr(name, "..") != NULL ||
		domain_is_literal(name, strlen(name)))
		return NULL;
	return psl_registrable_domain(psl->psl, name);
}
