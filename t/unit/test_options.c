/*
 * Shows that the option table is consistent, that postern.conf(5) describes exactly its keys, and
 * what is suggested for unknown names. Covers lib/conf/option_table.c, too.
 */
#include "lib/conf/options.h"

#include <stdio.h>
#include <string.h>

#include "lib/conf/file.h"
#include "t/unit/unit.h"

#define MAN_PAGE "lib/conf/postern.conf.5" /* tests run in the root of the tree */

START_TEST(the_table_is_sound)
	{
		const struct config_option *all, *o;
		size_t count, i, j;

		all = options_all(&count);
		for (i = 0; i < count; i++) {
			o = &all[i];
			for (j = 0; j < i; j++) {
				ck_assert(strcmp(all[j].section, o->section) != 0 ||
					strcmp(all[j].name, o->name) != 0);
				if (strcmp(all[i - 1].section, o->section) != 0)
					ck_assert_str_ne(all[j].section, o->section);
			}
			ck_assert_ptr_eq(options_find(o->section, o->name), o);
			ck_assert(options_has_section(o->section));
			ck_assert(*o->text != '\0' && strchr(o->text, '\n') == NULL);
			/* config_restart_needed() examines only struct config. */
			if ((o->flags & (OPTION_RELOAD | OPTION_FOREIGN)) == 0)
				ck_assert_int_eq(o->home, HOME_CONFIG);
			if (o->type == OPTION_WORD || o->type == OPTION_NAME ||
				o->type == OPTION_SET)
				ck_assert_ptr_nonnull(o->words);
			if (o->type == OPTION_INT || o->type == OPTION_DURATION ||
				o->type == OPTION_SIZE)
				ck_assert_int_gt(o->max, 0);
		}
		ck_assert_ptr_null(options_find("check", "nothing"));
		ck_assert_ptr_null(options_find("nothing", "any"));
		ck_assert_ptr_eq(options_find("check smtps", "any"), options_find("check", "any"));
		ck_assert(!options_has_section("nothing"));
	}
END_TEST

/* Add the bounds "1 to 9" of "a number from 1 to 9" or "a time from 1s to 1d (...)". */
static void add_bounds(struct strbuf *text, const char *kind, const char *description)
{
	const char *bounds = strstr(description, " from ") + strlen(" from ");

	strbuf_addf(text, "%s, %.*s", kind, (int)strcspn(bounds, "("), bounds);
	while (text->text[text->len - 1] == ' ')
		text->text[--text->len] = '\0';
}

static void add_kind(struct strbuf *text, const struct config_option *option,
	const char *description)
{
	switch (option->type) {
	case OPTION_INT:
		add_bounds(text, "number", description);
		break;
	case OPTION_DURATION:
		add_bounds(text, "time in seconds", description);
		break;
	case OPTION_SIZE:
		add_bounds(text, "size in bytes", description);
		break;
	case OPTION_MODE:
		strbuf_add_str(text, "octal mode");
		break;
	case OPTION_STRING:
		strbuf_addf(text, "text, at most %lld bytes", (long long)option->max);
		break;
	case OPTION_PATH:
		strbuf_add_str(text, "path");
		break;
	case OPTION_SOCKET:
		strbuf_add_str(text, "socket");
		break;
	case OPTION_DOMAIN:
		strbuf_add_str(text, "domain name");
		break;
	case OPTION_DOMAINS:
		strbuf_addf(text, "domain names, at most %lld", (long long)option->max);
		break;
	case OPTION_FIELD:
		strbuf_add_str(text, "name of a header field");
		break;
	case OPTION_NETWORKS:
		strbuf_add_str(text, "addresses and networks");
		break;
	default:
		strbuf_add_str(text, description);
		break;
	}
}

/* The first line of a key in postern.conf(5): "time in seconds, 1s to 1d; default: 10s; reload". */
static void summarize(const struct config_option *option, struct strbuf *text)
{
	struct strbuf description = STRBUF_INIT;

	if (option->flags & OPTION_FOREIGN) {
		strbuf_add_str(text, "accepted and ignored");
		return;
	}
	options_describe(option, &description);
	add_kind(text, option, description.text);
	strbuf_addf(text, "; default: %s; %s",
		option->flags & OPTION_DERIVED	  ? "from [profile]" :
			*option->fallback != '\0' ? option->fallback :
						    "empty",
		option->flags & OPTION_RELOAD ? "reload" : "restart");
	strbuf_free(&description);
}

static const struct {
	const char *section, *name, *want;
} summaries[] = {
	{ "check", "any", "yes, no or warn; default: yes; reload" },
	{ "milter", "delay_reject", "yes or no; default: yes; reload" },
	{ "database", "port", "number, 1 to 65535; default: empty; reload" },
	{ "database", "poll_interval", "time in seconds, 1s to 1d; default: 10s; reload" },
	{ "lists", "max_file", "size in bytes, 1k to 4G; default: 256M; reload" },
	{ "lists", "local_domains", "domain names, at most 32; default: from [profile]; reload" },
	{ "control", "socket_mode", "octal mode; default: 0600; restart" },
	{ "database", "max", "accepted and ignored" },
};
START_TEST(a_key_is_summarized)
	{
		struct strbuf text = STRBUF_INIT;

		summarize(options_find(summaries[_i].section, summaries[_i].name), &text);
		ck_assert_str_eq(text.text, summaries[_i].want);
		strbuf_free(&text);
	}
END_TEST

static const struct {
	const char *section, *name, *near;
} slips[] = {
	{ "check", "Any", "did you mean any?" },
	{ "check", "connn", "did you mean conn?" },
	{ "check", "recpt", "did you mean rcpt?" },
	{ "check", "header-from", "did you mean header_from?" },
	{ "milter", "dealy_reject", "did you mean delay_reject?" },
	{ "profile", "default_damain", "did you mean default_domain?" },
	{ "store", "file", "the keys are path" },
};
START_TEST(the_nearest_key_is_suggested)
	{
		struct errmsg err = { "" };

		ck_assert_int_eq(options_unknown_key(slips[_i].section, slips[_i].name, &err), -1);
		if (strstr(err.text, slips[_i].near) == NULL)
			ck_abort_msg("%s", err.text);
	}
END_TEST

START_TEST(names_of_any_length_are_accepted)
	{
		struct errmsg err = { "" };
		char name[1000];

		memset(name, 'x', sizeof(name));
		name[sizeof(name) - 1] = '\0';
		ck_assert_int_eq(options_unknown_key("check", name, &err), -1);
		ck_assert_int_eq(options_unknown_key(name, "any", &err), -1);
		ck_assert_int_eq(options_unknown_section(name, &err), -1);
		ck_assert_int_eq(options_unknown_section("", &err), -1);
	}
END_TEST

static char *read_page(void)
{
	struct errmsg err = { "" };
	char *text = NULL;
	size_t len;

	if (file_read(MAN_PAGE, 1 << 20, &text, &len, NULL, &err) != FILE_READ)
		ck_abort_msg("%s", err.text);
	return text;
}

START_TEST(the_man_page_has_every_key_as_the_table_has_it)
	{
		const struct config_option *all;
		struct strbuf want = STRBUF_INIT;
		char *page = read_page(), section[64], *at;
		size_t count, i;

		all = options_all(&count);
		for (i = 0; i < count; i++) {
			(void)snprintf(section, sizeof(section), "\n.Ss [%s]", all[i].section);
			if ((at = strstr(page, section)) == NULL)
				ck_abort_msg("no %s in " MAN_PAGE, section + 1);
			strbuf_reset(&want);
			strbuf_addf(&want, "\n.It Cm %s\n(", all[i].name);
			summarize(&all[i], &want);
			strbuf_add_str(&want, ")\n.br\n");
			if (strstr(at, want.text) == NULL)
				ck_abort_msg("[%s]: " MAN_PAGE " lacks:%s", all[i].section,
					want.text);
		}
		strbuf_free(&want);
		free(page);
	}
END_TEST

START_TEST(the_man_page_has_no_key_that_the_table_lacks)
	{
		char *page = read_page(), *line, *rest = page, section[64] = "", name[64];
		size_t found = 0, count;

		while ((line = strsep(&rest, "\n")) != NULL) {
			if (strncmp(line, ".Sh ", 4) == 0)
				section[0] = '\0'; /* what is tagged behind the keys is no key */
			if (sscanf(line, ".Ss [%63[a-z_]]", section) == 1)
				ck_assert_msg(options_has_section(section), "[%s]", section);
			if (section[0] == '\0' || sscanf(line, ".It Cm %63s", name) != 1)
				continue;
			ck_assert_msg(options_find(section, name) != NULL, "[%s] %s", section,
				name);
			found++;
		}
		(void)options_all(&count);
		ck_assert_uint_eq(found, count);
		free(page);
	}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

static Suite *make_suite(void)
{
	Suite *suite = suite_create("options");
	TCase *tcase = tcase_create("options");

	tcase_add_test(tcase, the_table_is_sound);
	tcase_add_loop_test(tcase, a_key_is_summarized, 0, ROWS(summaries));
	tcase_add_loop_test(tcase, the_nearest_key_is_suggested, 0, ROWS(slips));
	tcase_add_test(tcase, names_of_any_length_are_accepted);
	tcase_add_test(tcase, the_man_page_has_every_key_as_the_table_has_it);
	tcase_add_test(tcase, the_man_page_has_no_key_that_the_table_lacks);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
