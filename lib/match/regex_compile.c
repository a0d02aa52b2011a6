/*
 * Compiles regexes of JavaScript's dialect with PCRE2. Owns nothing; any thread may call it.
 * Tested by t/unit/test_regexlist.c, too.
 */
#include "lib/match/regex_compile.h"

#include <string.h>

#include "lib/base/text.h"
#include "lib/match/regex_cost.h"
#include "lib/match/regex_dialect.h"
#include "lib/match/regex_guard.h"

/*
 * What the translation leaves to PCRE2: [^], an unset back reference matches the empty string, $
 * matches only at the very end. There is no PCRE2_CASELESS: 10.42 folds U+017F and U+212A into s
 * and k. Pattern and subject are folded instead (regex_dialect.h, regex_subject.h).
 */
#define COMPILE_OPTIONS                                                                           \
	(PCRE2_ALLOW_EMPTY_CLASS | PCRE2_MATCH_UNSET_BACKREF | PCRE2_DOLLAR_ENDONLY | PCRE2_UTF | \
		PCRE2_NEVER_BACKSLASH_C)

/*
 * PCRE2 makes loops possessive that need no backtracking. For each loop, it looks at all that can
 * follow, so that this takes a time quadratic in the regex: only those up to this cost get it.
 */
#define POSSESSIVE_MAX 4096

/*
 * PCRE2 10.42 takes the first character of a lookahead for the first one of each match, and looks
 * for the last required one only behind it: (?=@)x?@ would not match "@".
 */
static uint32_t options_of_lookahead(const struct strbuf *plain)
{
	return strstr(plain->text, "(?=") != NULL ? PCRE2_NO_START_OPTIMIZE : 0U;
}

static uint32_t options_for(const struct regex_forms *forms, struct regex_mode mode)
{
	return COMPILE_OPTIONS | options_of_lookahead(&forms->plain) |
		(mode.lines ? 0U : PCRE2_DOTALL) |
		(mode.anchored ? PCRE2_ANCHORED | PCRE2_ENDANCHORED : 0U) |
		(forms->cost > POSSESSIVE_MAX ? PCRE2_NO_AUTO_POSSESS : 0U);
}

int regex_forms_make(struct regex_forms *forms, const char *regex, size_t len,
	struct regex_mode mode, uint64_t max)
{
	strbuf_reset(&forms->plain);
	strbuf_reset(&forms->guarded);
	strbuf_add_str(&forms->plain, "");
	strbuf_add_str(&forms->guarded, "");
	forms->cost = REGEX_COST_MAX;
	if (!regex_dialect_translate(regex, len, mode.lines, max, &forms->plain))
		return 0;
	if (forms->plain.failed)
		return -1;
	regex_guard(forms->plain.text, forms->plain.len, mode.anchored, &forms->guarded);
	if (forms->guarded.failed)
		return -1;
	forms->cost = regex_cost_find(forms->guarded.text, forms->guarded.len);
	return 0;
}

void regex_forms_free(struct regex_forms *forms)
{
	strbuf_free(&forms->plain);
	strbuf_free(&forms->guarded);
}

static enum regex_compiled run_out(struct errmsg *err)
{
	(void)errmsg_set(err, "out of memory");
	return REGEX_NO_MEMORY;
}

/* Return whether PCRE2 gives this reason only for what JavaScript accepts, so that it tells more
 * than any objection to the text itself. */
static bool is_bound_of_pcre2(int error)
{
	return error == PCRE2_ERROR_LOOKBEHIND_NOT_FIXED_LENGTH ||
		error == PCRE2_ERROR_LOOKBEHIND_TOO_COMPLICATED ||
		error == PCRE2_ERROR_LOOKBEHIND_TOO_LONG ||
		error == PCRE2_ERROR_QUANTIFIER_TOO_BIG || error == PCRE2_ERROR_PATTERN_TOO_LARGE ||
		error == PCRE2_ERROR_PATTERN_TOO_COMPLICATED ||
		error == PCRE2_ERROR_PARENTHESES_NEST_TOO_DEEP;
}

/* Called by PCRE2 after it has read a regex, before it compiles the first group: 1 ends that. */
static int stop_compiling(uint32_t depth, void *unused)
{
	(void)depth;
	(void)unused;
	return 1;
}

/* Return whether PCRE2 may find a lookbehind in a text. */
static bool may_look_behind(const char *text, size_t len)
{
	for (size_t i = 0; i + 3 < len; i++) {
		if (text[i] == '(' &&
			(text[i + 1] == '*' ||
				(text[i + 1] == '?' && text[i + 2] == '<' &&
					strchr("=!*", text[i + 3]) != NULL)))
			return true;
	}
	return false;
}

/*
 * Let PCRE2 read a regex that is not translated. Returns its error, with the position, or 0. What
 * is one class to JavaScript may be repeated groups to PCRE2, so that the cost of compiling it is
 * unknown; and lookbehinds are measured while it is read, which takes long with recursions. Both
 * are avoided, so that the time is proportional to the length.
 */
static int find_error(const char *regex, size_t len, uint32_t options, PCRE2_SIZE *at_r)
{
	pcre2_compile_context *context = NULL;
	pcre2_code *code = NULL;
	int error = 0;

	if (may_look_behind(regex, len))
		return 0;
	if ((context = pcre2_compile_context_create(NULL)) == NULL)
		return PCRE2_ERROR_HEAP_FAILED;
	(void)pcre2_set_compile_recursion_guard(context, stop_compiling, NULL);
	code = pcre2_compile((PCRE2_SPTR)regex, len,
		(options & ~PCRE2_DOTALL) | PCRE2_ALT_BSUX | PCRE2_NO_AUTO_POSSESS |
			PCRE2_NO_START_OPTIMIZE,
		&error, at_r, context);
	if (code != NULL || error == PCRE2_ERROR_PARENTHESES_STACK_CHECK)
		error = 0;
	pcre2_code_free(code);
	pcre2_compile_context_free(context);
	return error;
}

/*
 * Report why a regex cannot be compiled. PCRE2's position in the translated regex would mislead, so
 * the regex itself is read for a better message; if that succeeds, only JavaScript refuses it.
 */
static enum regex_compiled refuse_regex(const char *regex, size_t len, uint32_t options,
	int translated_error, struct errmsg *err)
{
	const int shown = (int)text_fit(regex, len, 200);
	PCRE2_UCHAR why[128];
	PCRE2_SIZE at = 0;
	const int error = find_error(regex, len, options, &at);
	const bool is_taken = error == 0;

	if (error == PCRE2_ERROR_HEAP_FAILED)
		return run_out(err);
	if (is_bound_of_pcre2(translated_error) && (is_taken || error != translated_error)) {
		(void)pcre2_get_error_message(translated_error, why, sizeof(why));
		(void)errmsg_set(err, "regex \"%.*s\" cannot be compiled: %s", shown, regex,
			(const char *)why);
	} else if (!is_taken) {
		(void)pcre2_get_error_message(error, why, sizeof(why));
		(void)errmsg_set(err, "regex \"%.*s\" cannot be compiled: %s at character %zu",
			shown, regex, (const char *)why, (size_t)at + 1);
	} else {
		(void)pcre2_get_error_message(translated_error, why, sizeof(why));
		(void)errmsg_set(err,
			"regex \"%.*s\" cannot be compiled: it is not in JavaScript's dialect (%s)",
			shown, regex, (const char *)why);
	}
	return REGEX_IS_REFUSED;
}

/* Compile the guarded form. Returns NULL with *error_r set when that is impossible. */
static pcre2_code *compile_guarded(const struct regex_forms *forms, uint32_t options, int *error_r)
{
	PCRE2_SIZE at;

	return pcre2_compile((PCRE2_SPTR)forms->guarded.text, forms->guarded.len, options, error_r,
		&at, NULL);
}

enum regex_compiled regex_compile(struct regex_forms *forms, const char *regex, size_t len,
	struct regex_mode mode, pcre2_code **code_r, struct errmsg *err)
{
	const uint32_t options = options_for(forms, mode);
	bool is_sparse = false;
	int error;
	pcre2_code *code = compile_guarded(forms, options, &error);

	if (code == NULL && error == PCRE2_ERROR_PATTERN_TOO_LARGE) {
		strbuf_reset(&forms->guarded);
		regex_guard_sparsely(forms->plain.text, forms->plain.len, mode.anchored,
			&forms->guarded);
		if (forms->guarded.failed)
			return run_out(err);
		is_sparse = true;
		code = compile_guarded(forms, options, &error);
	}
	if (code == NULL)
		return error == PCRE2_ERROR_HEAP_FAILED ?
			run_out(err) :
			refuse_regex(regex, len, options, error, err);
	*code_r = code;
	return is_sparse ? REGEX_COMPILED_SPARSELY : REGEX_COMPILED;
}

bool regex_compile_is_fast(void)
{
	int error;
	PCRE2_SIZE at;
	pcre2_code *code = pcre2_compile((PCRE2_SPTR) "a", 1, COMPILE_OPTIONS, &error, &at, NULL);
	bool has = code != NULL && pcre2_jit_compile(code, PCRE2_JIT_COMPLETE) == 0;

	pcre2_code_free(code);
	return has;
}
