/*
 * Fuzzes all lists: the input is a list's file, and each of its lines is looked up in the list. No
 * lookup fails, there are no more entries than bytes, and an entry is in force or reported.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/rules/list.h"
#include "lib/rules/list_lines.h"
#include "t/fuzz/fuzz.h"

static void must(bool holds)
{
	if (!holds)
		abort();
}

static bool is_regex_list(enum list_id id)
{
	return strstr(list_name(id), "regex") != NULL;
}

/* Look a text up in every way in which it can be read. */
static void look_up(const struct list *list, enum list_id id, const char *text, size_t len)
{
	struct regex_scratch *scratch;
	struct mail_address address;
	struct cidr client;
	char name[DOMAIN_SIZE];
	uint32_t line = 0;

	if (is_regex_list(id)) {
		must((scratch = regex_scratch_new(NULL)) != NULL);
		(void)list_match(list, scratch, text, len, &line);
		regex_scratch_free(&scratch);
		return;
	}
	if (domain_canon(text, len, name) >= 0) {
		if (id == LIST_DOMAINS)
			(void)list_any_host(list, name, &line);
		else
			(void)list_find_host(list, name, &line);
	}
	if (address_parse(text, len, &address) == 0) {
		if (id == LIST_DOMAINS)
			(void)list_any_address(list, &address, "+-", &line);
		else
			(void)list_find_address(list, &address, "+-", &line);
	}
	if (len < CIDR_TEXT_SIZE && domain_canon(text, len, name) >= 0 &&
		cidr_parse(name, &client, NULL) == 0 && id != LIST_DOMAINS)
		(void)list_find_client(list, &client, &line);
}

/* A lone entry is in force, or it is reported and left out. */
static void take_one(enum list_id id, const char *text, size_t len, struct orgdomain *psl)
{
	struct problems *problems = problems_new();
	struct list_lines lines;
	struct list *list;
	const char *entry;
	size_t entry_len;

	must(problems != NULL);
	list_lines_init(&lines, text, len);
	if (list_lines_next(&lines, &entry, &entry_len)) {
		must((list = list_build(id, entry, entry_len, psl, problems)) != NULL);
		must(problems_count(problems) == (list_entries(list) == 0));
		must(problems_kept(problems) == problems_count(problems));
		list_unref(&list);
	}
	problems_free(&problems);
}

/* The first byte selects the list. The rest is its file, and each line is also looked up. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static struct orgdomain *psl;
	struct problems *problems = problems_new();
	const char *text = (const char *)bytes + 1, *end = (const char *)bytes + size, *stop;
	enum list_id id;
	struct list *list;
	size_t lines = 0;

	must(problems != NULL);
	if (psl == NULL)
		must(orgdomain_default(&psl, NULL) == 0);
	if (size > 0 && size < 4000) {
		id = (enum list_id)(bytes[0] % LIST_COUNT);
		take_one(id, text, size - 1, psl);
		must((list = list_build(id, text, size - 1, psl, problems)) != NULL);
		for (; text < end && lines < 20; text = stop + 1, lines++) {
			if ((stop = memchr(text, '\n', (size_t)(end - text))) == NULL)
				stop = end;
			look_up(list, id, text, (size_t)(stop - text));
		}
		must(list_entries(list) <= size);
		list_unref(&list);
	}
	problems_free(&problems);
	return 0;
}
