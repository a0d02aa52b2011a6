/*
 * Lists of regexes with bounds on time and memory, on PCRE2. Once a list is finished, one thread
 * prepares it while others match: those see a list without a part that is not complete yet. Each
 * thread matches with its own scratch.
 */
#define PCRE2_CODE_UNIT_WIDTH 8

#include "lib/match/regexlist.h"

#include <inttypes.h>
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/strbuf.h"
#include "lib/base/text.h"
#include "lib/match/regex_cost.h"
#include "lib/match/regex_dialect.h"
#include "lib/match/regex_prefilter.h"
#include "lib/match/regex_subject.h"

/*
 * What the translation leaves to PCRE2: [^], an unset back reference matches the empty string, $
 * matches only at the very end. There is no PCRE2_CASELESS: 10.42 folds U+017F and U+212A into s
 * and k. Pattern and subject are folded instead (regex_dialect.h, regex_subject.h).
 */
#define COMPILE_OPTIONS                                                                           \
	(PCRE2_ALLOW_EMPTY_CLASS | PCRE2_MATCH_UNSET_BACKREF | PCRE2_DOLLAR_ENDONLY | PCRE2_UTF | \
		PCRE2_NEVER_BACKSLASH_C)

/* The bounds of one match. About 500,000 steps of machine code take a millisecond; the interpreter
 * makes fewer steps, but takes longer for each. */
#define MATCH_LIMIT 500000
#define INTERPRETER_LIMIT 50000
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

/* Machine code takes about ten times the size of PCRE2's own, and compiling it as much longer. */
#define MACHINE_CODE_MAX 16384	 /* bytes of PCRE2's code, at most, of a regex that gets it */
#define MACHINE_CODE_STEP 262144 /* the same of the regexes in one step of regexlist_prepare() */

/* PCRE2 refuses a regex of 65,536 bytes. One that is certainly smaller can be compiled later. */
#define CERTAINLY_COMPILES 60000

struct regex {
	pcre2_code *code;
	pcre2_code *fast;  /* atomic: a copy with machine code; NULL: not prepared, or too large */
	pcre2_code *lines; /* atomic: for subjects with a line terminator; NULL: not yet needed */
	char *text;	   /* of which `lines` is compiled; NULL: code does for all subjects */
	size_t len;
	uint32_t value;
	struct regex_cost cost;
	bool is_costly;	  /* too large for the prefilter */
	bool is_excluded; /* not of the prefilter's syntax */
	char *plain;	  /* the translation, if it takes part in the prefilter; until prepared */
};

/* The result of preparing the prefilter. Immutable. */
struct selection {
	struct regex_prefilter *prefilter;
	size_t untested;
	uint64_t always[]; /* a bit for each regex that must be tried on every subject */
};

/* The next steps of regexlist_prepare(), which alone uses it. */
struct preparation {
	size_t at;	 /* the regex that is compiled to machine code next */
	size_t selected; /* the regex that is added to the prefilter next */
	const char **texts;
	struct regex_cost *costs;
	bool *takes_part;
	struct regex_prefilter *prefilter;
};

struct regexlist {
	unsigned refs;
	bool anchored;
	bool is_prepared; /* atomic */
	struct regex *regexes;
	size_t count, size;
	uint64_t bytes;
	uint64_t load;		     /* of the regexes that take part in the prefilter */
	size_t words;		     /* of a bitmap with one bit per regex */
	struct selection *selection; /* atomic; NULL: every regex is tried */
	struct preparation preparation;
};

struct regex_scratch {
	pcre2_match_data *match;
	pcre2_match_context *context, *interpreter; /* for machine code, and for the others */
	pcre2_jit_stack *stack;
	struct regex_prefilter_scratch *prefilter;
	uint64_t *bits;
	size_t words;
	struct strbuf folded; /* the text of the subject */
	uint64_t (*now_ns)(void);
	uint64_t looked; /* time of the last reading of the clock; 0: no regex has run in this
			    decision */
	uint64_t spent;	 /* ns of the budget */
	uint64_t budget; /* ns */
};

static pcre2_match_context *make_context(uint32_t match_limit)
{
	pcre2_match_context *context = pcre2_match_context_create(NULL);

	if (context == NULL)
		return NULL;
	pcre2_set_match_limit(context, match_limit);
	pcre2_set_depth_limit(context, DEPTH_LIMIT);
	pcre2_set_heap_limit(context, HEAP_LIMIT_KIB);
	return context;
}

struct regex_scratch *regex_scratch_new(uint64_t (*now_ns)(void))
{
	struct regex_scratch *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->now_ns = now_ns;
	s->match = pcre2_match_data_create(1, NULL);
	s->context = make_context(MATCH_LIMIT);
	s->interpreter = make_context(INTERPRETER_LIMIT);
	s->stack = pcre2_jit_stack_create(JIT_STACK_START, JIT_STACK_MAX, NULL);
	s->prefilter = regex_prefilter_scratch_new();
	if (s->match == NULL || s->context == NULL || s->interpreter == NULL || s->stack == NULL ||
		s->prefilter == NULL) {
		regex_scratch_free(&s);
		return NULL;
	}
	pcre2_jit_stack_assign(s->context, NULL, s->stack);
	regex_scratch_begin(s);
	return s;
}

void regex_scratch_free(struct regex_scratch **scratch)
{
	struct regex_scratch *s = *scratch;

	if (s == NULL)
		return;
	pcre2_match_data_free(s->match);
	pcre2_match_context_free(s->context);
	pcre2_match_context_free(s->interpreter);
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
	scratch->budget = REGEX_BUDGET_NS;
}

struct regexlist *regexlist_new(bool anchored)
{
	struct regexlist *list = calloc(1, sizeof(*list));

	if (list == NULL)
		return NULL;
	list->refs = 1;
	list->anchored = anchored;
	return list;
}

struct regexlist *regexlist_ref(struct regexlist *list)
{
	if (list != NULL)
		__atomic_add_fetch(&list->refs, 1, __ATOMIC_RELAXED);
	return list;
}

static void regex_free(struct regex *r)
{
	pcre2_code_free(r->code);
	pcre2_code_free(r->fast);
	pcre2_code_free(r->lines);
	free(r->text);
	free(r->plain);
}

/* Free what preparing a list needs and the finished list does not. */
static void end_preparation(struct regexlist *list)
{
	struct preparation *p = &list->preparation;
	size_t i;

	for (i = 0; i < list->count; i++) {
		free(list->regexes[i].plain);
		list->regexes[i].plain = NULL;
	}
	free(p->texts);
	free(p->costs);
	free(p->takes_part);
	regex_prefilter_free(&p->prefilter);
	*p = (struct preparation){ .at = list->count };
}

void regexlist_unref(struct regexlist **list)
{
	struct regexlist *gone = *list;
	size_t i;

	*list = NULL;
	if (gone == NULL || __atomic_sub_fetch(&gone->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	end_preparation(gone);
	for (i = 0; i < gone->count; i++)
		regex_free(&gone->regexes[i]);
	if (gone->selection != NULL)
		regex_prefilter_free(&gone->selection->prefilter);
	free(gone->selection);
	free(gone->regexes);
	free(gone);
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

/* Keep the translation of a regex if it takes part in the prefilter. */
static int join_prefilter(struct regexlist *list, struct regex *r, const struct strbuf *text)
{
	uint64_t load = regex_prefilter_load(&r->cost);

	r->is_excluded = !regex_prefilter_can(text->text, text->len);
	if (r->is_excluded)
		return 0;
	r->is_costly = !regex_prefilter_bears(&r->cost) || list->load + load > PREFILTER_LIST_MAX;
	if (r->is_costly)
		return 0;
	list->load += load;
	return (r->plain = strdup(text->text)) != NULL ? 0 : -1;
}

static int regex_init(struct regexlist *list, struct regex *r, const char *regex, size_t len,
	struct strbuf *text, struct errmsg *err)
{
	const bool anchored = list->anchored;

	*r = (struct regex){ .code = NULL, .len = len };
	if ((r->code = compile(regex, len, false, anchored, text, err)) == NULL)
		return -1;
	regex_cost_find(text->text, text->len, &r->cost);
	if (join_prefilter(list, r, text) < 0)
		return errmsg_set(err, "out of memory");
	if (memchr(regex, '.', len) == NULL)
		return 0;
	if ((r->text = malloc(len)) == NULL)
		return errmsg_set(err, "out of memory");
	memcpy(r->text, regex, len);
	if (r->cost.bytes > CERTAINLY_COMPILES)
		r->lines = compile(regex, len, true, anchored, text, err);
	return r->cost.bytes > CERTAINLY_COMPILES && r->lines == NULL ? -1 : 0;
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
	if ((ret = regex_init(list, r, regex, len, &text, err)) == 0) {
		r->value = value;
		list->bytes += r->cost.bytes;
		list->count++;
	} else {
		regex_free(r);
	}
	strbuf_free(&text);
	return ret;
}

uint64_t regexlist_bytes(const struct regexlist *list)
{
	return list->bytes;
}

uint64_t regexlist_bytes_of(const char *regex, size_t len)
{
	struct strbuf text = STRBUF_INIT;
	struct regex_cost cost = { .bytes = REGEX_COST_MAX };

	if (len > REGEX_MAX)
		return 0;
	regex_dialect_translate(regex, len, false, &text);
	if (!text.failed)
		regex_cost_find(text.text, text.len, &cost);
	strbuf_free(&text);
	return cost.bytes;
}

bool regexlist_is_costly(const struct regexlist *list, struct errmsg *why_r)
{
	const struct regex *r = &list->regexes[list->count - 1];

	if (r->cost.bytes > MACHINE_CODE_MAX)
		(void)errmsg_set(why_r,
			"with its repeats written out, the regex takes up to %" PRIu64
			" bytes; above %d, it is interpreted, and tried on every subject",
			r->cost.bytes, MACHINE_CODE_MAX);
	else if (r->is_costly)
		(void)errmsg_set(why_r,
			"repeats add %" PRIu64 " characters to the regex, which then has %" PRIu64
			" with %" PRIu64 " transitions; above %d, %d, %d, or %d added in the whole "
			"list, it is tried on every subject",
			r->cost.repeated, r->cost.positions, r->cost.edges, PREFILTER_REPEATED_MAX,
			PREFILTER_POSITIONS_MAX, PREFILTER_EDGES_MAX, PREFILTER_LIST_MAX);
	else
		return false;
	return true;
}

bool regexlist_is_excluded(const struct regexlist *list, size_t i, uint32_t *value_r)
{
	const struct regex *r = &list->regexes[i];

	if (!r->is_excluded || !regex_prefilter_helps(list->count))
		return false;
	*value_r = r->value;
	return true;
}

bool regexlist_has_machine_code(void)
{
	int error;
	PCRE2_SIZE at;
	pcre2_code *code = pcre2_compile((PCRE2_SPTR) "a", 1, COMPILE_OPTIONS, &error, &at, NULL);
	bool has = code != NULL && pcre2_jit_compile(code, PCRE2_JIT_COMPLETE) == 0;

	pcre2_code_free(code);
	return has;
}

int regexlist_finish(struct regexlist *list, struct errmsg *err)
{
	struct regex *shrunk;

	list->words = (list->count + 63) / 64;
	list->is_prepared = list->count == 0;
	if (list->count == 0)
		return 0;
	if ((shrunk = realloc(list->regexes, list->count * sizeof(*shrunk))) == NULL)
		return errmsg_set(err, "out of memory");
	list->regexes = shrunk;
	list->size = list->count;
	return 0;
}

/* ---- preparing ------------------------------------------------------------------- */

/* Compile a regex to machine code. If that fails, the interpreter continues to run it. */
static void prepare_regex(struct regex *r)
{
	pcre2_code *fast;

	if (r->cost.bytes > MACHINE_CODE_MAX || (fast = pcre2_code_copy(r->code)) == NULL)
		return;
	if (pcre2_jit_compile(fast, PCRE2_JIT_COMPLETE) == 0)
		__atomic_store_n(&r->fast, fast, __ATOMIC_RELEASE);
	else
		pcre2_code_free(fast);
}

/* Compile the next regexes to machine code. */
static void prepare_regexes(struct regexlist *list)
{
	struct preparation *p = &list->preparation;
	uint64_t bytes = 0;

	while (p->at < list->count && bytes < MACHINE_CODE_STEP) {
		struct regex *r = &list->regexes[p->at++];

		prepare_regex(r);
		bytes += r->cost.bytes;
	}
}

static int begin_selection(struct regexlist *list)
{
	struct preparation *p = &list->preparation;
	size_t i;

	p->texts = calloc(list->count, sizeof(*p->texts));
	p->costs = calloc(list->count, sizeof(*p->costs));
	p->takes_part = calloc(list->count, sizeof(*p->takes_part));
	p->prefilter = regex_prefilter_new(list->anchored);
	if (p->texts == NULL || p->costs == NULL || p->takes_part == NULL || p->prefilter == NULL)
		return -1;
	for (i = 0; i < list->count; i++) {
		p->texts[i] = list->regexes[i].plain;
		p->costs[i] = list->regexes[i].cost;
	}
	return 0;
}

/* Let other threads use the prefilter. When out of memory, they continue without it. */
static void publish_selection(struct regexlist *list)
{
	struct preparation *p = &list->preparation;
	struct selection *selection =
		calloc(1, sizeof(*selection) + list->words * sizeof(selection->always[0]));
	size_t i;

	if (selection == NULL)
		return;
	for (i = 0; i < list->count; i++) {
		if (p->takes_part[i])
			continue;
		selection->always[i / 64] |= UINT64_C(1) << (i % 64);
		selection->untested++;
	}
	selection->prefilter = p->prefilter;
	p->prefilter = NULL;
	__atomic_store_n(&list->selection, selection, __ATOMIC_RELEASE);
}

/* Add the next regexes to the prefilter. Returns whether more remain. */
static bool prepare_selection(struct regexlist *list)
{
	struct preparation *p = &list->preparation;

	if (!regex_prefilter_helps(list->count) ||
		(p->prefilter == NULL && begin_selection(list) < 0))
		return false;
	p->selected = regex_prefilter_add(p->prefilter, p->texts, p->costs, p->selected,
		list->count, p->takes_part);
	if (p->selected < list->count)
		return true;
	publish_selection(list);
	return false;
}

bool regexlist_prepare(struct regexlist *list)
{
	if (regexlist_is_prepared(list))
		return false;
	if (list->preparation.at < list->count) {
		prepare_regexes(list);
		return true;
	}
	if (prepare_selection(list))
		return true;
	end_preparation(list);
	__atomic_store_n(&list->is_prepared, true, __ATOMIC_RELEASE);
	return false;
}

bool regexlist_is_prepared(const struct regexlist *list)
{
	return __atomic_load_n(&list->is_prepared, __ATOMIC_ACQUIRE);
}

/* ---- matching -------------------------------------------------------------------- */

/* Set the bits of the regexes to try. -1 when out of memory. */
static int choose(const struct regexlist *list, struct regex_scratch *s,
	const struct regex_subject *subject)
{
	const struct selection *selection = __atomic_load_n(&list->selection, __ATOMIC_ACQUIRE);
	uint64_t *bits;

	if (s->words < list->words) {
		if ((bits = realloc(s->bits, list->words * sizeof(*bits))) == NULL)
			return -1;
		s->bits = bits;
		s->words = list->words;
	}
	if (selection != NULL && subject->is_plain) {
		memcpy(s->bits, selection->always, list->words * sizeof(*s->bits));
		if (regex_prefilter_scan(selection->prefilter, s->prefilter, subject->text,
			    subject->len, s->bits) == 0)
			return 0;
	}
	memset(s->bits, 0xff, list->words * sizeof(*s->bits));
	if (list->count % 64 != 0)
		s->bits[list->words - 1] = (UINT64_C(1) << list->count % 64) - 1;
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
	if (s->spent > s->budget)
		return true;
	s->budget += REGEX_BUDGET_EACH_NS;
	return false;
}

/*
 * Return the form of a regex for subjects with a line terminator, which are rare: it is compiled
 * for the first one, and not to machine code. This time is not part of the decision's budget. NULL
 * when out of memory.
 */
static const pcre2_code *lines_form(const struct regexlist *list, struct regex *r,
	struct regex_scratch *s)
{
	pcre2_code *lines = __atomic_load_n(&r->lines, __ATOMIC_ACQUIRE), *made;
	struct strbuf text = STRBUF_INIT;

	if (lines != NULL)
		return lines;
	made = compile(r->text, r->len, true, list->anchored, &text, NULL);
	strbuf_free(&text);
	if (made != NULL &&
		!__atomic_compare_exchange_n(&r->lines, &lines, made, false, __ATOMIC_ACQ_REL,
			__ATOMIC_ACQUIRE)) {
		pcre2_code_free(made); /* another thread was first */
		made = lines;
	}
	if (s->now_ns != NULL)
		s->looked = s->now_ns();
	return made;
}

static enum regex_result try_one(const struct regexlist *list, struct regex *r,
	struct regex_scratch *s, const struct regex_subject *subject)
{
	const pcre2_code *code = __atomic_load_n(&r->fast, __ATOMIC_ACQUIRE);
	pcre2_match_context *context = code != NULL ? s->context : s->interpreter;
	int rc;

	if (over_budget(s))
		return REGEX_FAILED;
	if (subject->has_lines && r->text != NULL) {
		code = lines_form(list, r, s);
		context = s->interpreter;
	} else if (code == NULL) {
		code = r->code;
	}
	if (code == NULL)
		return REGEX_FAILED;
	rc = pcre2_match(code, (PCRE2_SPTR)subject->text, subject->len, 0, PCRE2_NO_UTF_CHECK,
		s->match, context);
	if (rc >= 0)
		return REGEX_YES;
	return rc == PCRE2_ERROR_NOMATCH ? REGEX_NO : REGEX_FAILED;
}

enum regex_result regexlist_match(const struct regexlist *list, struct regex_scratch *scratch,
	const char *subject, size_t len, uint32_t *value_r)
{
	enum regex_result result = REGEX_NO;
	struct regex_subject folded;
	uint64_t word;
	size_t w, i;

	if (list->count == 0)
		return REGEX_NO;
	if (regex_subject_fold(subject, len, &scratch->folded, &folded) < 0 ||
		choose(list, scratch, &folded) < 0) {
		*value_r = list->regexes[0].value;
		return REGEX_FAILED;
	}
	for (w = 0; w < list->words; w++) {
		for (word = scratch->bits[w]; word != 0; word &= word - 1) {
			i = w * 64 + (size_t)__builtin_ctzll(word);
			switch (try_one(list, &list->regexes[i], scratch, &folded)) {
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
	const struct selection *selection = __atomic_load_n(&list->selection, __ATOMIC_ACQUIRE);

	return selection != NULL ? selection->untested : list->count;
}
