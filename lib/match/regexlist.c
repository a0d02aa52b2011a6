/*
 * Lists of regexes with bounds on time and memory, on PCRE2. A list is immutable once finished;
 * each thread matches with its own scratch.
 */
#define PCRE2_CODE_UNIT_WIDTH 8

#include "lib/match/regexlist.h"

#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/strbuf.h"
#include "lib/base/utf8.h"
#include "lib/match/regex_dialect.h"
#include "lib/match/regex_prefilter.h"

/*
 * The options that bring PCRE2 closest to JavaScript's dialect: its \u and \x, [] and [^], an unset
 * back reference matches the empty string, $ matches only at the very end.
 */
#define COMPILE_OPTIONS                                                                          \
	(PCRE2_CASELESS | PCRE2_ALT_BSUX | PCRE2_ALLOW_EMPTY_CLASS | PCRE2_MATCH_UNSET_BACKREF | \
		PCRE2_DOLLAR_ENDONLY | PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C)

/* The bounds of one match. About 500,000 steps take a millisecond. */
#define MATCH_LIMIT 500000
#define DEPTH_LIMIT 5000
#define HEAP_LIMIT_KIB 2048

/*
 * No regex runs longer than this within those bounds. If more time has passed between two readings
 * of the clock, another process used the processor, and the excess is not charged, because a busy
 * machine must not defer mail.
 */
#define PAUSE_NS UINT64_C(2000000)

#define JIT_STACK_START (32 * 1024)
#define JIT_STACK_MAX (512 * 1024)

#define REGEX_MAX 4096 /* bytes of one regex */

struct regex {
	pcre2_code *code;
	uint32_t value;
	char *plain; /* the text, if it takes part in the prefilter; until finished */
};

struct regexlist {
	bool anchored;
	struct regex *regexes;
	size_t count, size;
	size_t untested;
	size_t words;			   /* of a bitmap with one bit per regex */
	uint64_t *always;		   /* the regexes to try on every subject */
	struct regex_prefilter *prefilter; /* NULL: every regex is tried */
};

struct regex_scratch {
	pcre2_match_data *match;
	pcre2_match_context *context;
	pcre2_jit_stack *stack;
	struct regex_prefilter_scratch *prefilter;
	uint64_t *bits;
	size_t words;
	struct strbuf mended; /* a repaired subject that was not UTF-8 */
	uint64_t (*now_ns)(void);
	uint64_t looked; /* time of the last reading of the clock; 0: no regex has run in this
			    decision */
	uint64_t spent;	 /* ns of the budget */
};

struct regex_scratch *regex_scratch_new(uint64_t (*now_ns)(void))
{
	struct regex_scratch *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->now_ns = now_ns;
	s->match = pcre2_match_data_create(1, NULL);
	s->context = pcre2_match_context_create(NULL);
	s->stack = pcre2_jit_stack_create(JIT_STACK_START, JIT_STACK_MAX, NULL);
	s->prefilter = regex_prefilter_scratch_new();
	if (s->match == NULL || s->context == NULL || s->stack == NULL || s->prefilter == NULL) {
		regex_scratch_free(&s);
		return NULL;
	}
	pcre2_set_match_limit(s->context, MATCH_LIMIT);
	pcre2_set_depth_limit(s->context, DEPTH_LIMIT);
	pcre2_set_heap_limit(s->context, HEAP_LIMIT_KIB);
	pcre2_jit_stack_assign(s->context, NULL, s->stack);
	return s;
}

void regex_scratch_free(struct regex_scratch **scratch)
{
	struct regex_scratch *s = *scratch;

	if (s == NULL)
		return;
	pcre2_match_data_free(s->match);
	pcre2_match_context_free(s->context);
	pcre2_jit_stack_free(s->stack);
	regex_prefilter_scratch_free(&s->prefilter);
	strbuf_free(&s->mended);
	free(s->bits);
	free(s);
	*scratch = NULL;
}

void regex_scratch_begin(struct regex_scratch *scratch)
{
	scratch->looked = scratch->spent = 0;
}

struct regexlist *regexlist_new(bool anchored)
{
	struct regexlist *list = calloc(1, sizeof(*list));

	if (list != NULL)
		list->anchored = anchored;
	return list;
}

void regexlist_free(struct regexlist **list)
{
	size_t i;

	if (*list == NULL)
		return;
	for (i = 0; i < (*list)->count; i++) {
		pcre2_code_free((*list)->regexes[i].code);
		free((*list)->regexes[i].plain);
	}
	regex_prefilter_free(&(*list)->prefilter);
	free((*list)->always);
	free((*list)->regexes);
	free(*list);
	*list = NULL;
}

static int make_room(struct regexlist *list, struct errmsg *err)
{
	size_t size = list->size ? list->size * 2 : 8;
	struct regex *regexes;

	if (list->count < list->size)
		return 0;
	if ((regexes = realloc(list->regexes, size * sizeof(*regexes))) == NULL)
		return errmsg_set(err, "out of memory");
	list->regexes = regexes;
	list->size = size;
	return 0;
}

/* Compile one regex of JavaScript's dialect into r. */
static int compile(struct regex *r, const struct strbuf *text, bool anchored, const char *regex,
	size_t len, struct errmsg *err)
{
	uint32_t options = COMPILE_OPTIONS | (anchored ? PCRE2_ANCHORED | PCRE2_ENDANCHORED : 0U);
	PCRE2_UCHAR why[128];
	PCRE2_SIZE at;
	int code;

	r->code = pcre2_compile((PCRE2_SPTR)text->text, text->len, options, &code, &at, NULL);
	if (r->code == NULL) {
		(void)pcre2_get_error_message(code, why, sizeof(why));
		return errmsg_set(err, "regex \"%.*s\" cannot be compiled: %s at character %zu",
			(int)(len < 200 ? len : 200), regex, (const char *)why, (size_t)at + 1);
	}
	(void)pcre2_jit_compile(r->code,
		PCRE2_JIT_COMPLETE); /* on failure, the interpreter runs it */
	r->plain = NULL;
	if (regex_prefilter_can(text->text, text->len) && (r->plain = strdup(text->text)) == NULL) {
		pcre2_code_free(r->code);
		return errmsg_set(err, "out of memory");
	}
	return 0;
}

int regexlist_add(struct regexlist *list, const char *regex, size_t len, uint32_t value,
	struct errmsg *err)
{
	struct strbuf text = STRBUF_INIT;
	struct regex *r;
	int ret = -1;

	if (len > REGEX_MAX)
		return errmsg_set(err, "the regex has %zu bytes; at most %d are allowed", len,
			REGEX_MAX);
	strbuf_add(&text, "", 0);
	regex_dialect_translate(regex, len, &text);
	if (text.failed || make_room(list, err) < 0) {
		(void)errmsg_set(err, "out of memory");
	} else {
		r = &list->regexes[list->count];
		r->value = value;
		ret = compile(r, &text, list->anchored, regex, len, err);
		list->count += ret == 0;
	}
	strbuf_free(&text);
	return ret;
}

static void set_always(struct regexlist *list, const bool *takes_part)
{
	size_t i;

	for (i = 0; i < list->count; i++) {
		free(list->regexes[i].plain);
		list->regexes[i].plain = NULL;
		if (takes_part[i])
			continue;
		list->always[i / 64] |= UINT64_C(1) << (i % 64);
		list->untested++;
	}
}

int regexlist_finish(struct regexlist *list, struct errmsg *err)
{
	const char **texts;
	bool *takes_part;
	size_t i;

	list->words = (list->count + 63) / 64;
	if (list->count == 0)
		return 0;
	texts = calloc(list->count, sizeof(*texts));
	takes_part = calloc(list->count, sizeof(*takes_part));
	list->always = calloc(list->words, sizeof(*list->always));
	if (texts == NULL || takes_part == NULL || list->always == NULL) {
		free(texts);
		free(takes_part);
		return errmsg_set(err, "out of memory");
	}
	for (i = 0; i < list->count; i++) {
		texts[i] = list->regexes[i].plain;
		takes_part[i] = texts[i] != NULL;
	}
	list->prefilter = regex_prefilter_new(texts, list->count, list->anchored, takes_part);
	set_always(list, takes_part);
	free(texts);
	free(takes_part);
	return 0;
}

static bool is_plain_ascii(const char *subject, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if ((unsigned char)subject[i] - 1U >= 0x7f)
			return false;
	}
	return true;
}

/* Set the bits of the regexes to try. -1 when out of memory. */
static int choose(const struct regexlist *list, struct regex_scratch *s, const char *subject,
	size_t len)
{
	uint64_t *bits;
	size_t i;

	if (s->words < list->words) {
		if ((bits = realloc(s->bits, list->words * sizeof(*bits))) == NULL)
			return -1;
		s->bits = bits;
		s->words = list->words;
	}
	memcpy(s->bits, list->always, list->words * sizeof(*s->bits));
	if (list->prefilter == NULL)
		return 0;
	if (is_plain_ascii(subject, len) &&
		regex_prefilter_scan(list->prefilter, s->prefilter, subject, len, s->bits) == 0)
		return 0;
	for (i = 0; i < list->count; i++)
		s->bits[i / 64] |= UINT64_C(1) << (i % 64);
	return 0;
}

static bool over_budget(struct regex_scratch *s)
{
	uint64_t now, since;

	if (s->now_ns == NULL)
		return false;
	now = s->now_ns();
	since = s->looked != 0 ? now - s->looked : 0;
	s->looked = now;
	s->spent += since < PAUSE_NS ? since : PAUSE_NS;
	return s->spent > REGEX_BUDGET_NS;
}

static enum regex_result try_one(const struct regex *r, struct regex_scratch *s,
	const char *subject, size_t len)
{
	int rc;

	if (over_budget(s))
		return REGEX_FAILED;
	rc = pcre2_match(r->code, (PCRE2_SPTR)subject, len, 0, PCRE2_NO_UTF_CHECK, s->match,
		s->context);
	if (rc >= 0)
		return REGEX_YES;
	return rc == PCRE2_ERROR_NOMATCH ? REGEX_NO : REGEX_FAILED;
}

/*
 * Replace each byte of a subject that is not part of UTF-8 by U+FFFD, as decoders do, so that .
 * matches it. With PCRE2_MATCH_INVALID_UTF instead, nothing would match it, and a stray byte would
 * shield the subject from every regex; and in 10.42's JIT, \D and \W match no non-ASCII character.
 * -1 when out of memory.
 */
static int mend(struct regex_scratch *s, const char **subject, size_t *len)
{
	size_t valid = utf8_valid_len(*subject, *len), at = 0;

	if (valid == *len)
		return 0;
	strbuf_reset(&s->mended);
	for (;;) {
		strbuf_add(&s->mended, *subject + at, valid);
		at += valid;
		if (at == *len)
			break;
		strbuf_add(&s->mended, "\xef\xbf\xbd", 3);
		at++;
		valid = utf8_valid_len(*subject + at, *len - at);
	}
	*subject = s->mended.text;
	*len = s->mended.len;
	return s->mended.failed ? -1 : 0;
}

enum regex_result regexlist_match(const struct regexlist *list, struct regex_scratch *scratch,
	const char *subject, size_t len, uint32_t *value_r)
{
	enum regex_result result = REGEX_NO;
	uint64_t word;
	size_t w, i;

	if (list->count == 0)
		return REGEX_NO;
	if (mend(scratch, &subject, &len) < 0 || choose(list, scratch, subject, len) < 0) {
		*value_r = list->regexes[0].value;
		return REGEX_FAILED;
	}
	for (w = 0; w < list->words; w++) {
		for (word = scratch->bits[w]; word != 0; word &= word - 1) {
			i = w * 64 + (size_t)__builtin_ctzll(word);
			switch (try_one(&list->regexes[i], scratch, subject, len)) {
			case REGEX_YES:
				*value_r = list->regexes[i].value;
				return REGEX_YES;
			case REGEX_FAILED: /* another regex may still match */
				if (result == REGEX_NO)
					*value_r = list->regexes[i].value;
				result = REGEX_FAILED;
				break;
			case REGEX_NO:
				break;
			}
		}
	}
	return result;
}

size_t regexlist_count(const struct regexlist *list)
{
	return list->count;
}

size_t regexlist_untested(const struct regexlist *list)
{
	return list->untested;
}
