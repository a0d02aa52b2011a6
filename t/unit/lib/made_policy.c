/*
 * Makes policies for unit tests, and describes the decisions of their stages in words. One thread
 * at a time; a failure ends the program.
 */
#include "t/unit/lib/made_policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/strbuf.h"
#include "lib/rules/check.h"
#include "t/unit/lib/default_settings.h"

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "made_policy: %s\n", what);
	abort();
}

void made_begin(struct made *m)
{
	struct errmsg err = { "" };

	memset(m, 0, sizeof(*m));
	must(orgdomain_default(&m->psl, &err) == 0, err.text);
	m->settings = default_settings();
	m->problems = problems_new();
	m->scratch = regex_scratch_new(NULL);
	m->users = users_builder_new();
	must(m->settings != NULL && m->problems != NULL && m->scratch != NULL && m->users != NULL,
		"out of memory");
	m->services[0] = m->services[1] = m->services[2] = m->settings->services[0];
	m->settings->services = m->services;
}

void made_end(struct made *m)
{
	size_t i;

	policy_unref(&m->policy);
	for (i = 0; i < LIST_COUNT; i++)
		list_unref(&m->parts.lists[i]);
	profiles_unref(&m->parts.profiles);
	users_unref(&m->parts.users);
	profiles_builder_free(&m->profiles);
	users_builder_free(&m->users);
	settings_unref(&m->settings);
	problems_free(&m->problems);
	regex_scratch_free(&m->scratch);
	orgdomain_unref(&m->psl);
}

void made_list(struct made *m, enum list_id id, const char *text)
{
	list_unref(&m->parts.lists[id]);
	m->parts.lists[id] = list_build(id, text, strlen(text), m->psl, m->problems);
	must(m->parts.lists[id] != NULL, "no list");
}

struct cell made_cell(const char *text)
{
	if (text == NULL)
		return (struct cell){ CELL_NULL, NULL, 0 };
	return (struct cell){ CELL_TEXT, text, strlen(text) };
}

/* Return the builder of profiles, which is made on first use, because it depends on the settings.
 */
static struct profiles_builder *profiles_builder(struct made *m)
{
	if (m->profiles == NULL)
		m->profiles = profiles_builder_new(m->settings->rcpt_re_anchored);
	must(m->profiles != NULL, "no builder");
	return m->profiles;
}

int made_profile(struct made *m, const struct made_profile *row)
{
	const struct cell cells[PROFILE_COLUMNS] = {
		[PROFILE_ID] = made_cell(row->id),
		[PROFILE_NAME] = made_cell(row->name),
		[PROFILE_OPEN] = made_cell(row->open),
		[PROFILE_LIMITS] = made_cell(row->limits),
		[PROFILE_MAXSIZE] = made_cell(row->maxsize),
		[PROFILE_HOST] = made_cell(row->host),
		[PROFILE_RCPT] = made_cell(row->rcpt),
		[PROFILE_RCPT_RE] = made_cell(row->rcpt_re),
	};

	return profiles_builder_add(profiles_builder(m), cells);
}

int made_user(struct made *m, const struct made_user *row)
{
	const struct cell cells[USER_COLUMNS] = {
		[USER_ID] = made_cell(row->id),
		[USER_NAME] = made_cell(row->name),
		[USER_PASSWORD] = made_cell(row->password),
		[USER_FROMS] = made_cell(row->froms),
		[USER_PROFILE_ID] = made_cell(row->profile_id),
		[USER_ENABLED] = made_cell(row->enabled),
	};

	return users_builder_add(m->users, cells, m->problems);
}

struct users *made_users(struct made *m, const struct users *previous)
{
	struct users *users = users_builder_finish(&m->users, previous, NULL, m->problems);

	must(users != NULL && m->users == NULL, "no users");
	m->users = users_builder_new();
	must(m->users != NULL, "out of memory");
	return users;
}

void made_build(struct made *m)
{
	(void)profiles_builder(m);
	m->parts.profiles = profiles_builder_finish(&m->profiles, NULL);
	must(m->parts.profiles != NULL, "no profiles");
	profiles_report(m->parts.profiles, m->problems);
	m->parts.users = users_builder_finish(&m->users, NULL, m->parts.profiles, m->problems);
	must(m->parts.users != NULL, "no users");
	m->parts.settings = m->settings;
	m->parts.psl = m->psl;
	m->policy = policy_new(&m->parts);
	must(m->policy != NULL, "no policy");
}

static void add_finding(struct strbuf *out, const struct finding *f)
{
	strbuf_addf(out, "%s=%s", check_name(f->check), outcome_name(f->outcome));
	if (f->rule[0] != '\0')
		strbuf_addf(out, "(%s)", f->rule);
	if (f->reply.code != 0)
		strbuf_addf(out, " %d %s %s", f->reply.code, f->reply.enhanced, f->reply.text);
}

static void tell(const struct verdict *v, char *text_r, size_t size)
{
	struct strbuf out = STRBUF_INIT;
	size_t i;

	strbuf_add_str(&out, verdict_name(v->kind));
	for (i = 0; i < v->count; i++) {
		strbuf_add_str(&out, i == 0 ? ": " : "; ");
		add_finding(&out, &v->findings[i]);
	}
	must(!out.failed && out.len < size, "a verdict too long to tell");
	memcpy(text_r, out.text, out.len + 1);
	strbuf_free(&out);
}

static size_t fill_from(const struct asked *asked, struct field fields_r[2])
{
	const char *const values[] = { asked->from, asked->from2 };
	size_t i, count = 0;

	for (i = 0; i < 2; i++) {
		if (values[i] != NULL)
			fields_r[count++] = (struct field){ values[i], strlen(values[i]) };
	}
	return count;
}

void made_verdict(struct made *m, const struct asked *asked, struct verdict *verdict)
{
	const struct check_env env = { .policy = m->policy, .scratch = m->scratch };
	struct mail_address sender, rcpt, resolved;
	struct field fields[2];
	struct header_facts header = { .from = fields,
		.from_count = fill_from(asked, fields),
		.is_recoded = asked->is_recoded,
		.is_sendmail = asked->is_sendmail };
	struct facts facts = {
		.service = asked->service,
		.mta_name = asked->mta,
		.rdns = asked->rdns,
		.helo = asked->helo,
		.login = asked->login,
		.size = asked->size,
	};
	struct errmsg err = { "" };

	if (asked->ip != NULL)
		must(cidr_parse(asked->ip, &facts.client, &err) == 0, err.text);
	if (asked->mail != NULL) {
		must(address_parse(asked->mail, strlen(asked->mail), &sender) == 0, asked->mail);
		facts.sender = &sender;
	}
	if (asked->resolved != NULL) {
		must(address_parse_internal(asked->resolved, &resolved), asked->resolved);
		*(asked->stage == STAGE_MAIL ? &facts.sender_resolved : &facts.resolved) =
			&resolved;
	}
	switch (asked->stage) {
	case STAGE_CONNECT:
		check_connect(&env, &facts, verdict);
		break;
	case STAGE_HELO:
		check_helo(&env, &facts, verdict);
		break;
	case STAGE_MAIL:
		check_mail(&env, &facts, verdict);
		break;
	case STAGE_RCPT:
		must(address_parse(asked->rcpt, strlen(asked->rcpt), &rcpt) == 0, asked->rcpt);
		check_rcpt(&env, &facts, &rcpt, verdict);
		break;
	case STAGE_HEADER:
		check_header(&env, &facts, &header, verdict);
		break;
	case STAGE_BODY:
		must(false, "no such stage here");
	}
}

const char *made_decide(struct made *m, const struct asked *asked)
{
	struct verdict verdict;

	made_verdict(m, asked, &verdict);
	tell(&verdict, m->text, sizeof(m->text));
	return m->text;
}

bool made_is_decided_by(const char *text, const char *rule)
{
	return strncmp(text, rule == NULL ? "accept" : "reject", 6) == 0 &&
		(rule == NULL || strstr(text, rule) != NULL);
}

const struct profile *made_finish_profiles(struct made *m)
{
	made_build(m);
	return profiles_by_id(m->parts.profiles, "1");
}
