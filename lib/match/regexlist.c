/*
 * Lists of regexes with bounds on time and memory, on PCRE2. A list is immutable once finished;
 * each thread matches with its own scratch.
 */
#define PCRE2_CODE_UNIT_WIDTH 8

#include "lib/match/regexlist.h"

#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/ascii.h"
#include "lib/base/strbuf.h"
#include "lib/base/text.h"
#include "lib/base/utf8.h"
#include "lib/match/regex_case.h"
#include "lib/match/regex_dialect.h"
#include "lib/match/regex_prefilter.h"

/*
 * What the translation leaves to PCRE2: [^], an unset back reference matches the empty string, $
 * matches only at the very end. There is no PCRE2_CASELESS: 10.42 folds U+017F and U+212A into s
 * and k. Pattern and subject are folded instead (regex_case.h).
 */
#define COMPILE_OPTIONS                                                                           \
	(PCRE2_ALLOW_EMPTY_CLASS | PCRE2_MATCH_UNSET_BACKREF | PCRE2_DOLLAR_ENDONLY | PCRE2_UTF | \
		PCRE2_NEVER_BACKSLASH_C)

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
	pcre2_code *lines; /* for subjects with a line terminator; NULL: code does for them, too */
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
	struct strbuf folded; /* the subject, repaired and folded */
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
	strbuf_free(&s->folded);
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

static void regex_free(struct regex *r)
{
	pcre2_code_free(r->code);
	pcre2_code_free(r->lines);
	free(r->plain);
}

void regexlist_free(struct regexlist **list)
{
	size_t i;

	if (*list == NULL)
		return;
	for (i = 0; i < (*list)->count; i++)
		regex_free(&(*list)->regexes[i]);
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

/*
 * Report why a regex cannot be compiled. PCRE2's position in the translated regex would mislead, so
 * the regex itself is compiled for a better message; if that succeeds, only JavaScript refuses it.
 */
static void set_refusal(const char *regex, size_t len, uint32_t options, int translated_error,
	struct errmsg *err)
{
	const int shown = (int)text_fit(regex, len, 200);
	int error;
	PCRE2_UCHAR why[128];
	PCRE2_SIZE at;
	pcre2_code *code =
		pcre2_compile((PCRE2_SPTR)regex, len, options | PCRE2_ALT_BSUX, &error, &at, NULL);

	if (code == NULL) {
		(void)pcre2_get_error_message(error, why, sizeof(why));
		(void)errmsg_set(err, "regex \"%.*s\" cannot be compiled: %s at character %zu",
			shown, regex, (const char *)why, (size_t)at + 1);
		return;
	}
	pcre2_code_free(code);
	(void)pcre2_get_error_message(translated_error, why, sizeof(why));
	(void)errmsg_set(err,
		"regex \"%.*s\" cannot be compiled: it is not in JavaScript's dialect (%s)", shown,
		regex, (const char *)why);
}

/* Compile one regex of JavaScript's dialect. Returns NULL with err set when it cannot be compiled.
 */
static pcre2_code *compile(const char *regex, size_t len, bool lines, bool anchored,
	struct strbuf *text, struct errmsg *err)
{
	uint32_t options = COMPILE_OPTIONS | (anchored ? PCRE2_ANCHORED | PCRE2_ENDANCHORED : 0U);
	pcre2_code *code;
	PCRE2_SIZE at;
	int error;

	strbuf_reset(text);
	strbuf_add(text, "", 0);
	regex_dialect_translate(regex, len, lines, text);
	if (text->failed) {
		(void)errmsg_set(err, "out of memory");
		return NULL;
	}
	code = pcre2_compile((PCRE2_SPTR)text->text, text->len,
		options | (lines ? 0U : PCRE2_DOTALL), &error, &at, NULL);
	if (code == NULL)
		set_refusal(regex, len, options, error, err);
	return code;
}

static int regex_init(struct regex *r, const char *regex, size_t len, bool anchored,
	struct strbuf *text, struct errmsg *err)
{
	*r = (struct regex){ .code = NULL };
	if ((r->code = compile(regex, len, false, anchored, text, err)) == NULL)
		return -1;
	/* On failure, the interpreter runs it. */
	(void)pcre2_jit_compile(r->code, PCRE2_JIT_COMPLETE);
	if (regex_prefilter_can(text->text, text->len) && (r->plain = strdup(text->text)) == NULL) {
		regex_free(r);
		return errmsg_set(err, "out of memory");
	}
	/* Not compiled to machine code: hardly any subject has a line terminator. */
	if (memchr(regex, '.', len) != NULL &&
		(r->lines = compile(regex, len, true, anchored, text, err)) == NULL) {
		regex_free(r);
		return -1;
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
	if (make_room(list, err) < 0)
		return -1;
	r = &list->regexes[list->count];
	if ((ret = regex_init(r, regex, len, list->anchored, &text, err)) == 0) {
		r->value = value;
		list->count++;
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

/* A folded subject: UTF-8 in the scratch. */
struct subject {
	const char *text;
	size_t len;
	bool is_plain;	/* ASCII without NUL */
	bool has_lines; /* a line terminator of JavaScript */
};

/* Set the bits of the regexes to try. -1 when out of memory. */
static int choose(const struct regexlist *list, struct regex_scratch *s,
	const struct subject *subject)
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
	if (subject->is_plain &&
		regex_prefilter_scan(list->prefilter, s->prefilter, subject->text, subject->len,
			s->bits) == 0)
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
	const struct subject *subject)
{
	const pcre2_code *code = subject->has_lines && r->lines != NULL ? r->lines : r->code;
	int rc;

	if (over_budget(s))
		return REGEX_FAILED;
	rc = pcre2_match(code, (PCRE2_SPTR)subject->text, subject->len, 0, PCRE2_NO_UTF_CHECK,
		s->match, s->context);
	if (rc >= 0)
		return REGEX_YES;
	return rc == PCRE2_ERROR_NOMATCH ? REGEX_NO : REGEX_FAILED;
}

static void add_utf8(struct strbuf *out, uint32_t c)
{
	char text[3];
	size_t len = 0;

	if (c < 0x80) {
		text[len++] = (char)c;
	} else if (c < 0x800) {
		text[len++] = (char)(0xc0 | c >> 6);
		text[len++] = (char)(0x80 | (c & 0x3f));
	} else {
		text[len++] = (char)(0xe0 | c >> 12);
		text[len++] = (char)(0x80 | (c >> 6 & 0x3f));
		text[len++] = (char)(0x80 | (c & 0x3f));
	}
	strbuf_add(out, text, len);
}

/* Append well-formed UTF-8, each character folded. Those past U+FFFF stay as they are. */
static void add_folded(struct strbuf *out, const char *text, size_t text_len, bool *has_lines)
{
	const unsigned char *p = (const unsigned char *)text, *end = p + text_len;
	uint32_t c;

	while (p < end) {
		if (*p >= 0xf0) {
			strbuf_add(out, (const char *)p, 4);
			p += 4;
			continue;
		}
		c = *p < 0x80 ? *p : *p < 0xe0 ? *p & 0x1fU : *p & 0x0fU;
		if (*p >= 0xe0)
			c = c << 6 | (p[1] & 0x3fU);
		if (*p >= 0xc0)
			c = c << 6 | (p[*p >= 0xe0 ? 2 : 1] & 0x3fU);
		p += *p < 0x80 ? 1 : *p < 0xe0 ? 2 : 3;
		*has_lines = *has_lines || c == '\n' || c == '\r' || c == 0x2028 || c == 0x2029;
		add_utf8(out, regex_case_fold(c));
	}
}

/*
 * Fold a subject, and replace each byte that is not part of UTF-8 by U+FFFD, as decoders do, so
 * that . matches it. With PCRE2_MATCH_INVALID_UTF instead, nothing would match it, and a stray byte
 * would shield the subject from every regex; and in 10.42's JIT, \D and \W match no non-ASCII
 * character. -1 when out of memory.
 */
static int fold(struct strbuf *out, const char *text, size_t len, struct subject *subject_r)
{
	bool is_plain = true, has_lines = false;
	size_t at, valid;

	strbuf_reset(out);
	strbuf_add(out, text, len);
	if (out->failed)
		return -1;
	for (at = 0; at < len; at++) {
		is_plain = is_plain && (unsigned char)text[at] - 1U < 0x7f;
		has_lines = has_lines || text[at] == '\n' || text[at] == '\r';
		out->text[at] = ascii_lower(text[at]);
	}
	if (!is_plain) {
		strbuf_reset(out);
		for (at = 0;; at++) {
			valid = utf8_valid_len(text + at, len - at);
			add_folded(out, text + at, valid, &has_lines);
			if ((at += valid) == len)
				break;
			strbuf_add(out, "\xef\xbf\xbd", 3);
		}
	}
	*subject_r = (struct subject){ out->text, out->len, is_plain, has_lines };
	return out->failed ? -1 : 0;
}

enum regex_result regexlist_match(const struct regexlist *list, struct regex_scratch *scratch,
	const char *subject, size_t len, uint32_t *value_r)
{
	enum regex_result result = REGEX_NO;
	struct subject folded;
	uint64_t word;
	size_t w, i;

	if (list->count == 0)
		return REGEX_NO;
	if (fold(&scratch->folded, subject, len, &folded) < 0 ||
		choose(list, scratch, &folded) < 0) {
		*value_r = list->regexes[0].value;
		return REGEX_FAILED;
	}
	for (w = 0; w < list->words; w++) {
		for (word = scratch->bits[w]; word != 0; word &= word - 1) {
			i = w * 64 + (size_t)__builtin_ctzll(word);
			switch (try_one(&list->regexes[i], scratch, &folded)) {
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
