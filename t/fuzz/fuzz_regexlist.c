/*
 * Fuzzes lists of regexes and their prefilter. A list gives the same answer as its regexes give one
 * by one.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/match/regexlist.h"
#include "t/fuzz/fuzz.h"

#define REGEXES 12 /* enough for a prefilter */

static void must(bool holds)
{
	if (!holds)
		abort();
}

struct span {
	const char *text;
	size_t len;
};

/* Cut the next line off. */
static struct span next_line(struct span *left)
{
	const char *end = memchr(left->text, '\n', left->len);
	struct span line = { left->text, end != NULL ? (size_t)(end - left->text) : left->len };
	size_t used = line.len + (end != NULL);

	left->text += used;
	left->len -= used;
	return line;
}

static struct regexlist *list_of(bool anchored, const struct span *regexes, size_t count)
{
	uint64_t bytes = 0;
	struct regexlist *list = regexlist_new(anchored);
	struct errmsg err = { "" };
	size_t i;

	must(list != NULL);
	for (i = 0; i < count; i++) {
		err.text[0] = '\0';
		bytes += 2 *
			regexlist_bytes_of(regexes[i].text, regexes[i].len, anchored, UINT64_MAX);
		if (regexlist_add(list, regexes[i].text, regexes[i].len, (uint32_t)i, &err) !=
			REGEX_ADDED)
			must(err.text[0] != '\0');
	}
	must(regexlist_finish(list, NULL, &err) == 0 && regexlist_count(list) <= count);
	must(regexlist_bytes(list) <= bytes);
	while (regexlist_prepare(list))
		;
	must(regexlist_untested(list) <= regexlist_count(list));
	return list;
}

/* The list gives the same answer as its regexes one by one. */
static void compare(bool anchored, const struct span *regexes, size_t count, struct span subject)
{
	struct regex_scratch *scratch = regex_scratch_new(NULL);
	struct regexlist *list = list_of(anchored, regexes, count), *one;
	enum regex_result want = REGEX_NO, got;
	uint32_t value = 0, ignored;
	size_t i;

	must(scratch != NULL);
	got = regexlist_match(list, scratch, subject.text, subject.len, &value);
	for (i = 0; i < count && want == REGEX_NO; i++) {
		one = list_of(anchored, &regexes[i], 1);
		want = regexlist_match(one, scratch, subject.text, subject.len, &ignored);
		regexlist_unref(&one);
	}
	must(got == want || want == REGEX_FAILED); /* the prefilter may skip a regex that fails */
	must(got == REGEX_NO || want == REGEX_FAILED || value == i - 1);
	regexlist_unref(&list);
	regex_scratch_free(&scratch);
}

/* The lowest bit of the first byte means anchored. The first line is the subject, each other line a
 * regex. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct span left = { (const char *)bytes + 1, size - 1 }, regexes[REGEXES] = { { 0 } },
		    subject;
	size_t count = 0;

	if (size == 0 || size > 2000)
		return 0;
	subject = next_line(&left);
	while (left.len > 0 && count < REGEXES)
		regexes[count++] = next_line(&left);
	compare((bytes[0] & 1) != 0, regexes, count, subject);
	return 0;
}
