/*
 * The sets of characters of the classes in regexes: adds to them, folds them, and writes them as
 * PCRE2 reads them. Each set belongs to its caller; any thread may use another one.
 */
#include "lib/match/regex_class.h"

#include <ctype.h>
#include <string.h>

#include "lib/match/regex_case.h"

void regex_class_append_hex(struct strbuf *out, uint32_t c)
{
	char digits[8];
	size_t at = sizeof(digits);

	do {
		digits[--at] = "0123456789abcdef"[c & 15U];
		c >>= 4;
	} while (c != 0);
	strbuf_add(out, digits + at, sizeof(digits) - at);
}

void regex_class_append_code(struct strbuf *out, uint32_t c)
{
	if (c < 0x80 && (isalnum((int)c) || c == ' ')) {
		strbuf_add_char(out, (char)c);
	} else if (c < 0x80 && ispunct((int)c)) {
		strbuf_add_char(out, '\\');
		strbuf_add_char(out, (char)c);
	} else {
		strbuf_add(out, "\\x{", 3);
		regex_class_append_hex(out, c);
		strbuf_add_char(out, '}');
	}
}

static void class_add_bits(struct regex_class *class, uint32_t first, uint32_t last)
{
	const uint64_t from = ~UINT64_C(0) << first % REGEX_CLASS_WORD;
	const uint64_t to = ~UINT64_C(0) >> (REGEX_CLASS_WORD - 1 - last % REGEX_CLASS_WORD);
	uint32_t word = first / REGEX_CLASS_WORD;

	if (word == last / REGEX_CLASS_WORD) {
		class->words[word] |= from & to;
		return;
	}
	class->words[word++] |= from;
	while (word < last / REGEX_CLASS_WORD)
		class->words[word++] = ~UINT64_C(0);
	class->words[word] |= to;
}

void regex_class_add(struct regex_class *class, uint32_t first, uint32_t last)
{
	uint32_t end = last < 0x10000 ? last : 0xffff;

	if (first < 0x10000) {
		class_add_bits(class, first, end);
		class->low = first < class->low ? first : class->low;
		class->high = end > class->high ? end : class->high;
	}
	if (last < 0x10000)
		return;
	first = first < 0x10000 ? 0x10000 : first;
	class->all_past = class->all_past || (first == 0x10000 && last == REGEX_MAX_CODE);
	regex_class_append_code(&class->past, first);
	strbuf_add_char(&class->past, '-');
	regex_class_append_code(&class->past, last);
}

#define WORDS (0x10000 / REGEX_CLASS_WORD)
#define TOGETHER 4 /* words compared at once, because a class may be nearly full or empty */

/* Return whether the next TOGETHER words, from this one on, have this value. */
static bool words_are(const struct regex_class *class, uint32_t at, uint64_t value)
{
	const uint64_t *words = class->words + at;

	return ((words[0] ^ value) | (words[1] ^ value) | (words[2] ^ value) |
		       (words[3] ^ value)) == 0;
}

/* Return the first word at or after this one that has another value; WORDS for the end. */
static uint32_t skip_words(const struct regex_class *class, uint32_t at, uint64_t value)
{
	while (at + TOGETHER <= WORDS && words_are(class, at, value))
		at += TOGETHER;
	while (at < WORDS && class->words[at] == value)
		at++;
	return at;
}

static bool class_has(const struct regex_class *class, uint32_t c)
{
	return (class->words[c / REGEX_CLASS_WORD] >> c % REGEX_CLASS_WORD & 1) != 0;
}

void regex_class_add_set(struct regex_class *class, char set)
{
	static const uint32_t digits[] = { '0', '9' },
			      words[] = { '0', '9', 'A', 'Z', '_', '_', 'a', 'z' },
			      spaces[] = { 9, 0xd, ' ', ' ', 0xa0, 0xa0, 0x1680, 0x1680, 0x2000,
				      0x200a, 0x2028, 0x2029, 0x202f, 0x202f, 0x205f, 0x205f,
				      0x3000, 0x3000, 0xfeff, 0xfeff };
	const uint32_t *ranges = digits;
	size_t count = sizeof(digits) / sizeof(digits[0]), i;
	uint32_t next = 0;

	if (set == 'w' || set == 'W') {
		ranges = words;
		count = sizeof(words) / sizeof(words[0]);
	} else if (set == 's' || set == 'S') {
		ranges = spaces;
		count = sizeof(spaces) / sizeof(spaces[0]);
	}
	for (i = 0; i < count; i += 2) {
		if (islower((unsigned char)set))
			regex_class_add(class, ranges[i], ranges[i + 1]);
		else if (ranges[i] > next)
			regex_class_add(class, next, ranges[i] - 1);
		next = ranges[i + 1] + 1;
	}
	if (isupper((unsigned char)set))
		regex_class_add(class, next, REGEX_MAX_CODE);
}

/* Return whether all characters from first to last are members. */
static bool class_has_all(const struct regex_class *class, uint32_t first, uint32_t last)
{
	const uint64_t from = ~UINT64_C(0) << first % REGEX_CLASS_WORD;
	const uint64_t to = ~UINT64_C(0) >> (REGEX_CLASS_WORD - 1 - last % REGEX_CLASS_WORD);
	uint32_t word = first / REGEX_CLASS_WORD;

	if (word == last / REGEX_CLASS_WORD)
		return (~class->words[word] & from & to) == 0;
	if ((~class->words[word++] & from) != 0)
		return false;
	for (; word < last / REGEX_CLASS_WORD; word++) {
		if (class->words[word] != UINT64_MAX)
			return false;
	}
	return (~class->words[word] & to) == 0;
}

/* Return whether a run adds nothing to a class, because it has no member of it, or because the
 * class has the folded forms of all. */
static bool run_adds_nothing(const struct regex_class *class, const struct regex_case_run *run)
{
	return run->last < class->low || run->first > class->high ||
		class_has_all(class, (uint32_t)(run->first + run->delta),
			(uint32_t)(run->last + run->delta));
}

/* Add the folded forms of those members that a run has. */
static void class_fold_run(struct regex_class *class, const struct regex_case_run *run)
{
	if (run->step == 1 && class_has_all(class, run->first, run->last)) {
		regex_class_add(class, (uint32_t)(run->first + run->delta),
			(uint32_t)(run->last + run->delta));
		return;
	}
	for (uint32_t c = run->first; c <= run->last; c += run->step) {
		if (class_has(class, c))
			regex_class_add(class, (uint32_t)((int32_t)c + run->delta),
				(uint32_t)((int32_t)c + run->delta));
	}
}

/* Return the first of the members that precede the highest one without a gap. */
static uint32_t find_unbroken(const struct regex_class *class)
{
	uint32_t word = class->high / REGEX_CLASS_WORD;
	uint64_t others = ~class->words[word] &
		~UINT64_C(0) >> (REGEX_CLASS_WORD - 1 - class->high % REGEX_CLASS_WORD);

	if (others == 0) {
		while (word >= TOGETHER && words_are(class, word - TOGETHER, ~UINT64_C(0)))
			word -= TOGETHER;
		while (others == 0 && word > 0)
			others = ~class->words[--word];
	}
	return others == 0 ? 0 : (word + 1) * REGEX_CLASS_WORD - (uint32_t)__builtin_clzll(others);
}

/*
 * Add the folded form of each member, and remove the surrogates, which no subject contains. Members
 * that are not folded themselves do no harm, because no subject contains them either. Runs within
 * the unbroken members are skipped by comparing numbers, which is much faster than looking at bits,
 * because a short text can make a class of nearly all characters.
 */
static void class_fold(struct regex_class *class)
{
	static const struct regex_case_run letters = { 'A', 'Z', 1, 'a' - 'A' };
	const struct regex_case_run *run;
	uint32_t unbroken, high;

	if (class->low > class->high)
		return;
	unbroken = find_unbroken(class);
	high = class->high;
	if (!run_adds_nothing(class, &letters))
		class_fold_run(class, &letters);
	for (size_t i = 0; i < regex_case_run_count; i++) {
		run = &regex_case_runs[i];
		if ((uint32_t)(run->first + run->delta) >= unbroken &&
			(uint32_t)(run->last + run->delta) <= high)
			continue;
		if (!run_adds_nothing(class, run))
			class_fold_run(class, run);
	}
	memset(class->words + 0xd800 / REGEX_CLASS_WORD, 0, 0x800 / 8);
}

/* Return the first character at c or after that is a member, or is none; 0x10000 for the end. */
static uint32_t class_next(const struct regex_class *class, uint32_t c, bool member)
{
	const uint64_t skipped = member ? 0 : ~UINT64_C(0);
	uint32_t at = c / REGEX_CLASS_WORD;
	uint64_t found;

	if (c >= 0x10000)
		return 0x10000;
	found = (class->words[at] ^ skipped) & ~UINT64_C(0) << c % REGEX_CLASS_WORD;
	if (found == 0 && (at = skip_words(class, at + 1, skipped)) < WORDS)
		found = class->words[at] ^ skipped;
	return found == 0 ? 0x10000 : at * REGEX_CLASS_WORD + (uint32_t)__builtin_ctzll(found);
}

void regex_class_append(struct strbuf *out, struct regex_class *class, bool negated)
{
	uint32_t first, end;
	bool is_full;

	class_fold(class);
	is_full = class->all_past && class_next(class, 0, false) == 0xd800 &&
		class_next(class, 0xe000, false) == 0x10000;
	if (is_full || (class->past.len == 0 && class_next(class, class->low, true) == 0x10000)) {
		strbuf_add_str(out, is_full == negated ? "(?!)" : "[^]");
		return;
	}
	strbuf_add_str(out, negated ? "[^" : "[");
	for (first = class_next(class, class->low, true);
		first<0x10000; first = end> class->high ? 0x10000 : class_next(class, end, true)) {
		end = class_next(class, first, false);
		regex_class_append_code(out, first);
		if (end - first > 2)
			strbuf_add_char(out, '-');
		if (end - first > 1)
			regex_class_append_code(out, end - 1);
	}
	if (class->past.len > 0)
		strbuf_add(out, class->past.text, class->past.len);
	strbuf_add_char(out, ']');
	out->failed = out->failed || class->past.failed;
}

void regex_class_free(struct regex_class *class)
{
	strbuf_free(&class->past);
}
