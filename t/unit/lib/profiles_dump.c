/*
 * Dumps profiles and problems for the tests that compare two sets of them. Stateless; ends the
 * program when out of memory.
 */
#include "t/unit/lib/profiles_dump.h"

#include <stdlib.h>
#include <string.h>

#include "lib/rules/profile_private.h"

static const char *const recipients[] = { "x@a.example", "x@b.example", "x@sub.b.example",
	"bob@c.example", "x9@d.example" };

static void dump_cell(struct strbuf *text, const struct cell *cell)
{
	strbuf_addf(text, "|%d:", (int)cell->kind);
	if (cell->len > 100) /* a long list, by its length and ends */
		strbuf_addf(text, "%zu bytes %.20s", cell->len, cell->text + cell->len - 20);
	else
		strbuf_add(text, cell->text, cell->len);
}

static void dump_recipients(struct strbuf *text, const struct profile *profile,
	struct regex_scratch *scratch)
{
	struct mail_address rcpt;
	uint32_t host, address, regex;

	for (size_t i = 0; i < sizeof(recipients) / sizeof(*recipients); i++) {
		const char *subject = recipients[i];

		host = address = regex = 0;
		if (address_parse(subject, strlen(subject), &rcpt) < 0)
			abort();
		(void)profile_host_allows(profile, &rcpt, &host);
		(void)profile_rcpt_allows(profile, &rcpt, &address);
		(void)regexlist_match(profile_rcpt_re(profile), scratch, subject, strlen(subject),
			&regex);
		strbuf_addf(text, " %u,%u,%u", host, address, regex);
	}
}

static void dump_row(struct strbuf *text, const struct profiles *profiles,
	const struct profile *row, struct regex_scratch *scratch)
{
	const struct limits *limits = profile_limits(row);

	strbuf_addf(text, "%s", row->id);
	for (int column = 0; column < PROFILE_COLUMNS; column++)
		dump_cell(text, &row->cells[column]);
	if (row->is_bad) {
		strbuf_addf(text, " left out%s\n",
			profiles_is_bad(profiles, row->id) ? "" : ", but not found");
		return;
	}
	strbuf_addf(text,
		" open %d size %llu limits %zu fit %d,%d regexes %zu%s%s:", profile_is_open(row),
		(unsigned long long)profile_maxsize(row), limits->len, row->tables_fit, row->fits,
		regexlist_count(profile_rcpt_re(row)),
		profiles_by_name(profiles, row->name) == row ? " by name" : "",
		profiles_by_id(profiles, row->id) == row ? "" : ", but not found");
	dump_recipients(text, row, scratch);
	strbuf_add_char(text, '\n');
}

void profiles_dump(struct strbuf *text, const struct profiles *profiles)
{
	struct regex_scratch *scratch = regex_scratch_new(NULL);

	if (scratch == NULL)
		abort();
	strbuf_addf(text, "profiles %zu sizes %d\n", profiles_count(profiles),
		profiles_any_maxsize(profiles));
	for (size_t i = 0; i < profiles->row_count; i++)
		dump_row(text, profiles, profiles->rows[i], scratch);
	regex_scratch_free(&scratch);
}

void problems_dump(struct strbuf *text, const struct problems *problems)
{
	for (int level = 0; level < PROBLEM_LEVELS; level++) {
		const enum problem_level l = (enum problem_level)level;

		strbuf_addf(text, "level %d: %zu\n", level, problems_level_count(problems, l));
		for (size_t i = 0; i < problems_level_kept(problems, l); i++)
			strbuf_addf(text, "%d %s\n", level, problems_level_text(problems, l, i));
	}
}
