/*
 * The public suffix list, from libpsl. Each list is immutable and reference-counted; any thread may
 * ask it.
 */
#include "lib/match/orgdomain.h"

#include <errno.h>
#include <fcntl.h>
#include <libpsl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

#define MAX_FILE (4 << 20) /* the list itself has 0.3 MB */

/* Open a regular file of at most MAX_FILE bytes; libpsl would wait for a FIFO. Returns NULL with
 * err set to the reason. */
static FILE *open_file(const char *path, struct errmsg *err)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	FILE *file = NULL;

	if (fd < 0 || fstat(fd, &st) < 0)
		(void)errmsg_set(err, "%s", strerror(errno));
	else if (!S_ISREG(st.st_mode))
		(void)errmsg_set(err, "it is not a regular file");
	else if (st.st_size > MAX_FILE)
		(void)errmsg_set(err, "it is larger than %d MiB", MAX_FILE >> 20);
	else if ((file = fdopen(fd, "r")) == NULL)
		(void)errmsg_set(err, "%s", strerror(errno));
	if (file == NULL && fd >= 0)
		(void)close(fd);
	return file;
}

/* Returns NULL with err set to the reason. */
static psl_ctx_t *load_list(const char *path, struct errmsg *err)
{
	psl_ctx_t *psl = NULL;
	FILE *file;

	if ((file = open_file(path, err)) == NULL)
		return NULL;
	(void)errmsg_set(err, "the suffix com is missing");
	psl = psl_load_fp(file);
	(void)fclose(file);
	if (is_list(psl))
		return psl;
	psl_free(psl);
	return NULL;
}

/* The same for the list of the system. */
static psl_ctx_t *load_default(struct errmsg *err)
{
	psl_ctx_t *psl = psl_latest(NULL);

	if (is_list(psl))
		return psl;
	psl_free(psl);
	(void)errmsg_set(err, "the suffix com is missing");
	return NULL;
}

int orgdomain_open(const char *path, struct orgdomain **psl_r, struct errmsg *err)
{
	bool named = path != NULL && path[0] != '\0';
	struct orgdomain *psl = calloc(1, sizeof(*psl));
	struct errmsg why;

	if (psl == NULL)
		return errmsg_set(err, "out of memory");
	psl->refs = 1;
	psl->psl = named ? load_list(path, &why) : load_default(&why);
	if (psl->psl == NULL) {
		free(psl);
		return errmsg_set(err, "%s: no public suffix list could be read from it: %s",
			named ? path : "the system's public suffix list", why.text);
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
