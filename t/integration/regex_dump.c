/*
 * Prints the answers of regexlist_match() for test_regex_differential.py. Each regex and each
 * subject is read as its length in decimal, LF, its bytes; a regex is followed by a number of
 * subjects, in decimal and LF. A line of output for each regex: "refused", or one character per
 * subject: y, n, or ? when a limit was exceeded.
 */
#include <stdio.h>
#include <stdlib.h>

#include "lib/match/regexlist.h"

static long read_number(void)
{
	char line[32];

	return fgets(line, sizeof(line), stdin) != NULL ? strtol(line, NULL, 10) : -1;
}

/* Read a length and so many bytes into a buffer of its own. NULL at the end of the input. */
static char *read_text(size_t *len_r)
{
	long len = read_number();
	char *text = len >= 0 ? malloc((size_t)len + 1) : NULL;

	if (text != NULL && fread(text, 1, (size_t)len, stdin) == (size_t)len) {
		*len_r = (size_t)len;
		return text;
	}
	free(text);
	return NULL;
}

static int answer(const struct regexlist *list, struct regex_scratch *scratch, bool refused)
{
	long left = read_number();
	char *subject;
	uint32_t value;
	size_t len;

	if (refused)
		(void)fputs("refused", stdout);
	for (; left > 0; left--) {
		if ((subject = read_text(&len)) == NULL)
			return -1;
		regex_scratch_begin(scratch);
		if (!refused)
			(void)putchar("ny?"[regexlist_match(list, scratch, subject, len, &value)]);
		free(subject);
	}
	(void)putchar('\n');
	return left < 0 ? -1 : 0;
}

int main(void)
{
	struct regex_scratch *scratch = regex_scratch_new(NULL);
	struct errmsg err = { "" };
	struct regexlist *list;
	int ret = 0;
	bool refused;
	size_t len;
	char *regex;

	while (scratch != NULL && ret == 0 && (regex = read_text(&len)) != NULL) {
		list = regexlist_new(true);
		refused = list == NULL || regexlist_add(list, regex, len, 1, &err) != REGEX_ADDED;
		if (!refused)
			ret = regexlist_finish(list, NULL, &err);
		while (!refused && ret == 0 && regexlist_prepare(list))
			;
		if (ret == 0)
			ret = answer(list, scratch, refused);
		regexlist_unref(&list);
		free(regex);
	}
	regex_scratch_free(&scratch);
	return ret == 0 ? 0 : 1;
}
