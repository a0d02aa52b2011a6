/*
 * What the parsers of the From field make of values, for test_from_differential.py. Each value
 * comes as its length in decimal, LF, its bytes; each answer is a line: the addresses that the
 * lenient parser finds, in hex, a space in front of each, then "accepted" or "refused" by the
 * grammar.
 */
#include <stdio.h>
#include <stdlib.h>

#include "lib/match/from_grammar.h"

static bool print_address(void *context, const struct mail_address *address)
{
	size_t i;

	(void)context;
	(void)putchar(' ');
	for (i = 0; address != NULL && i < address->text_len; i++)
		(void)printf("%02x", (unsigned char)address->text[i]);
	return true;
}

static bool ignore_address(void *context, const struct mail_address *address)
{
	(void)context;
	(void)address;
	return true;
}

static int dump(size_t len)
{
	char *value = malloc(len + 1);
	struct from_field field;
	int ret = -1;

	if (value != NULL && fread(value, 1, len, stdin) == len) {
		(void)from_header_parse(value, len, print_address, NULL);
		field = from_grammar_parse(value, len, ignore_address, NULL);
		(void)printf(" %s\n", field.refusal == NULL ? "accepted" : "refused");
		ret = fflush(stdout) == 0 ? 0 : -1;
	}
	free(value);
	return ret;
}

int main(void)
{
	char line[32], *end;
	size_t len;

	while (fgets(line, sizeof(line), stdin) != NULL) {
		len = strtoul(line, &end, 10);
		if (end == line || *end != '\n' || len > 64UL * 1024 * 1024 || dump(len) < 0)
			return 1;
	}
	return 0;
}
