/*
 * Compiled regexes, each of which several lists may contain, and pools that find them by their
 * text. Any thread may use a regex; a pool belongs to one thread.
 */
#include "lib/match/regex_shared.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/strmap.h"

/* PCRE2 refuses a regex of 65,536 bytes. One that is certainly smaller can be compiled later. */
#define REFUSED_BYTES 65536
#define CERTAINLY_COMPILES 60000

struct regex_pool {
	struct strmap *texts; /* to the index in at */
	struct shared_regex **at;
	size_t count, size;
};

/* ---- regexes -------------------------------------------------------------------- */

/* Return what a refused regex cost: it was translated, compiled until PCRE2 stopped, and compiled
 * again for a better message. */
static uint64_t refusal_bytes(const struct regex_forms *forms)
{
	const uint64_t most = REFUSED_BYTES + forms->plain.len;

	return 2 * (forms->cost < most ? forms->cost : most);
}

/* Note how a form was compiled. Returns whether it was. */
static bool note_compiled(struct shared_regex *r, enum regex_compiled compiled)
{
	r->is_sparse = r->is_sparse || compiled == REGEX_COMPILED_SPARSELY;
	return compiled == REGEX_COMPILED || compiled == REGEX_COMPILED_SPARSELY;
}

static enum regex_compiled compile_lines(const struct shared_regex *r, pcre2_code **code_r,
	struct errmsg *err)
{
	const struct regex_mode mode = { .anchored = r->anchored, .lines = true };
	struct regex_forms forms = REGEX_FORMS_INIT;
	enum regex_compiled compiled = REGEX_NO_MEMORY;

	if (regex_forms_make(&forms, r->text, r->len, mode, UINT64_MAX) == 0)
		compiled = regex_compile(&forms, r->text, r->len, mode, code_r, err);
	regex_forms_free(&forms);
	return compiled;
}

/* Compile the text of a regex, and its form for lines if PCRE2 may refuse that. */
static enum regex_compiled compile_forms(struct shared_regex *r, struct regex_forms *forms,
	struct errmsg *err)
{
	const struct regex_mode mode = { .anchored = r->anchored, .lines = false };
	enum regex_compiled compiled;
	pcre2_code *lines = NULL;

	if (regex_forms_make(forms, r->text, r->len, mode, UINT64_MAX) < 0)
		return REGEX_NO_MEMORY;
	r->cost = forms->cost;
	compiled = regex_compile(forms, r->text, r->len, mode, &r->code, err);
	if (!note_compiled(r, compiled) || !r->has_lines || r->cost <= CERTAINLY_COMPILES)
		return compiled;
	compiled = compile_lines(r, &lines, err);
	r->lines = lines;
	return compiled;
}

/* Make the object that compile_forms() completes. Returns NULL when out of memory. */
static struct shared_regex *make_regex(const char *regex, size_t len, bool anchored)
{
	struct shared_regex *r = calloc(1, sizeof(*r));

	if (r == NULL || (r->text = malloc(len + 1)) == NULL) {
		free(r);
		return NULL;
	}
	if (len > 0)
		memcpy(r->text, regex, len);
	r->text[len] = '\0';
	r->refs = 1;
	r->len = len;
	r->anchored = anchored;
	r->has_lines = memchr(r->text, '.', len) != NULL;
	return r;
}

enum regex_added shared_regex_new(const char *regex, size_t len, bool anchored,
	struct shared_regex **regex_r, uint64_t *bytes_r, struct errmsg *err)
{
	struct regex_forms forms = REGEX_FORMS_INIT;
	struct shared_regex *r = make_regex(regex, len, anchored);
	enum regex_compiled compiled = REGEX_NO_MEMORY;
	bool is_added;

	*bytes_r = 0;
	if (r != NULL)
		compiled = compile_forms(r, &forms, err);
	is_added = r != NULL && note_compiled(r, compiled);
	*bytes_r = is_added ? r->cost : refusal_bytes(&forms);
	if (is_added && regex_literals_find(forms.plain.text, &r->literals, &r->marks) < 0) {
		is_added = false;
		compiled = REGEX_NO_MEMORY;
	}
	regex_forms_free(&forms);
	if (is_added) {
		*regex_r = r;
		return REGEX_ADDED;
	}
	shared_regex_unref(&r);
	if (compiled == REGEX_IS_REFUSED)
		return REGEX_REFUSED;
	(void)errmsg_set(err, "out of memory");
	return REGEX_OUT_OF_MEMORY;
}

struct shared_regex *shared_regex_ref(struct shared_regex *regex)
{
	__atomic_add_fetch(&regex->refs, 1, __ATOMIC_RELAXED);
	return regex;
}

void shared_regex_unref(struct shared_regex **regex)
{
	struct shared_regex *gone = *regex;

	*regex = NULL;
	if (gone == NULL || __atomic_sub_fetch(&gone->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	pcre2_code_free(gone->code);
	pcre2_code_free(gone->fast);
	pcre2_code_free(gone->lines);
	free(gone->text);
	free(gone->literals);
	free(gone);
}

/* Set a form that is not set yet. Returns the one that is set now. */
static pcre2_code *publish_form(pcre2_code **form, pcre2_code *made)
{
	pcre2_code *other = NULL;

	if (__atomic_compare_exchange_n(form, &other, made, false, __ATOMIC_ACQ_REL,
		    __ATOMIC_ACQUIRE))
		return made;
	pcre2_code_free(made); /* another thread was first */
	return other;
}

void shared_regex_speed_up(struct shared_regex *regex)
{
	pcre2_code *fast;

	if (regex->cost > REGEX_MACHINE_CODE_MAX ||
		__atomic_load_n(&regex->fast, __ATOMIC_ACQUIRE) != NULL ||
		(fast = pcre2_code_copy(regex->code)) == NULL)
		return;
	if (pcre2_jit_compile(fast, PCRE2_JIT_COMPLETE) == 0)
		(void)publish_form(&regex->fast, fast);
	else
		pcre2_code_free(fast);
}

const pcre2_code *shared_regex_lines(struct shared_regex *regex)
{
	pcre2_code *lines = __atomic_load_n(&regex->lines, __ATOMIC_ACQUIRE), *made = NULL;

	if (lines != NULL)
		return lines;
	(void)compile_lines(regex, &made, NULL);
	return made != NULL ? publish_form(&regex->lines, made) : NULL;
}

bool shared_regex_is_fast(const struct shared_regex *regex)
{
	return __atomic_load_n(&regex->fast, __ATOMIC_ACQUIRE) != NULL;
}

static size_t form_bytes(const pcre2_code *form)
{
	size_t size = 0, machine_code = 0;

	if (form == NULL)
		return 0;
	(void)pcre2_pattern_info(form, PCRE2_INFO_SIZE, &size);
	(void)pcre2_pattern_info(form, PCRE2_INFO_JITSIZE, &machine_code);
	return size + machine_code;
}

size_t shared_regex_bytes(const struct shared_regex *regex)
{
	return sizeof(*regex) + regex->len + 1 + regex_literals_bytes(regex->literals) +
		form_bytes(regex->code) +
		form_bytes(__atomic_load_n(&regex->fast, __ATOMIC_ACQUIRE)) +
		form_bytes(__atomic_load_n(&regex->lines, __ATOMIC_ACQUIRE));
}

/* ---- pools ---------------------------------------------------------------------- */

struct regex_pool *regex_pool_new(void)
{
	struct regex_pool *pool = calloc(1, sizeof(*pool));

	if (pool != NULL && (pool->texts = strmap_new()) == NULL) {
		free(pool);
		pool = NULL;
	}
	return pool;
}

void regex_pool_free(struct regex_pool **pool)
{
	struct regex_pool *gone = *pool;

	*pool = NULL;
	if (gone == NULL)
		return;
	for (size_t i = 0; i < gone->count; i++)
		shared_regex_unref(&gone->at[i]);
	strmap_free(&gone->texts);
	free(gone->at);
	free(gone);
}

struct shared_regex *regex_pool_find(const struct regex_pool *pool, const char *regex, size_t len,
	bool anchored)
{
	uint32_t i;

	return strmap_find(pool->texts, regex, len, &i) && pool->at[i]->anchored == anchored ?
		pool->at[i] :
		NULL;
}

int regex_pool_keep(struct regex_pool *pool, struct shared_regex *regex)
{
	struct shared_regex **at;
	size_t size = pool->size > 0 ? pool->size * 2 : 64;

	if (pool->count == pool->size) {
		if ((at = realloc(pool->at, size * sizeof(struct shared_regex *))) == NULL)
			return -1;
		pool->at = at;
		pool->size = size;
	}
	switch (strmap_add(pool->texts, regex->text, regex->len, (uint32_t)pool->count)) {
	case 1:
		pool->at[pool->count++] = shared_regex_ref(regex);
		return 0;
	case 0:
		return 0;
	default:
		return -1;
	}
}
