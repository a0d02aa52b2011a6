/*
 * Shows which recipients and senders the lists, access.domains and the limits refuse because the
 * MTA may deliver them to a listed address, and that others pass.
 */
#include <stdio.h>
#include <string.h>

#include "t/unit/lib/made_policy.h"
#include "t/unit/unit.h"

static struct made m;

static void setup(void)
{
	made_begin(&m);
	m.settings->local_domains = "corp.example\0second.example\0";
	m.settings->list_delimiter = "+-";
	made_list(&m, LIST_RCPT_ALLOW,
		"boss@corp.example\nboss@second.example\n@open.example\n"
		"friend@listed.example\nlocal@second.example\nchief@wei\u00df.example\n"
		"m\u00fcller@closed.example\nkim@closed.example\nann-lee@closed.example");
	made_list(&m, LIST_RCPT_DENY,
		"all@corp.example\nx..y@corp.example\n\"a b\"@corp.example\nboss@open.example\n"
		"boss@corp.example\n.closed.example\nuser+tag@corp.example\n"
		"mailer-daemon@corp.example\nlocal@corp.example\npostmaster@second.example\n"
		"sales@corp.example\nJ\u00d6rg@corp.example\n"
		"hidden@mx.corp.example\n@sub.second.example\nbox@busse.example\n@wei\u00df.example\n"
		"jean-luc@corp.example");
	made_list(&m, LIST_RCPT_DENY_RE,
		"trap[0-9]@corp\\.example\n\\.dots@corp\\.example\n"
		"kate[0-9]@corp\\.example");
	made_list(&m, LIST_MAIL_ALLOW, "good@spam.example");
	made_list(&m, LIST_MAIL_DENY, "all@corp.example\n@spam.example");
	made_list(&m, LIST_MAIL_DENY_RE, "trap@corp\\.example");
	made_list(&m, LIST_DOMAINS,
		"listed.example\n!friend@listed.example\nsolo@corp.example\n!vip@listed.example\n"
		"so-lo@corp.example");
}

static void teardown(void)
{
	made_end(&m);
}

/* Check that the rule refuses an address, or that it is accepted if rule is NULL. */
static void assert_decided_by(const char *rule, const char *address, const char *got)
{
	ck_assert_msg(made_is_decided_by(got, rule), "%s: %s", address, got);
}

/* The rule that refuses the address; NULL: it passes. */
#define ALL "rcpt=fail(rcpt_to.access.blacklist:1)"
#define LISTED "any=fail(access.domains:1)"
#define SALES "rcpt=fail(rcpt_to.access.blacklist:11)"
#define SOLO "any=fail(access.domains:3)"
static const struct {
	const char *address, *rule;
} recipients[] = {
	/* The address itself. */
	{ "all@corp.example", ALL },
	{ "ALL@Corp.Example.", ALL },
	{ "\"all\"@corp.example", ALL },
	{ "<@x.example:all@corp.example>", ALL },
	{ "al@corp.example", NULL },
	{ "all@corp.example.com", NULL },
	{ "all@second.example", NULL }, /* only recipients without a full domain are local */
	/* Routed. */
	{ "all%corp.example@corp.example", ALL },
	{ "all%corp.example@localhost", ALL },
	{ "all%corp.example@remote.example", ALL },
	{ "corp.example!all@corp.example", ALL },
	{ "\"all@corp.example\"@corp.example", ALL },
	{ "all@corp.example@corp.example", ALL },
	{ "all%corp.example%localhost@corp.example", ALL },
	{ "localhost!corp.example!all@corp.example", ALL },
	{ "x.example!all%corp.example@corp.example", ALL },
	{ "all@corp.example%x.example@corp.example", ALL },
	{ "all%CORP.example.@corp.example", ALL },
	{ "all%@corp.example", ALL },
	{ "!all@corp.example", ALL },
	{ "\"all@ corp.example\"@corp.example", ALL },
	{ "\"corp.example!\\all\"@localhost", ALL },
	{ "\"\\\\all\"@corp.example", ALL },
	{ "\"(x)all\"@corp.example", "rcpt=fail(address syntax)" },
	{ "\"so(x)lo\"@corp.example", "rcpt=fail(address syntax)" }, /* Sendmail: so.lo */
	{ "\"\\\"all\\\"\"@corp.example", ALL },
	{ "\"\"@corp.example", "rcpt=fail(rcpt_to.access.blacklist:8)" },
	{ "%corp.example@localhost", "rcpt=fail(rcpt_to.access.blacklist:8)" },
	{ "trap1%corp.example@x.example", "rcpt=fail(rcpt_to.access.blacklist_regex:1)" },
	{ "a%sub.closed.example@x.example", "rcpt=fail(rcpt_to.access.blacklist:6)" },
	{ "x%sub.closed.example@open.example", "rcpt=fail(rcpt_to.access.blacklist:6)" },
	{ "a%www.listed.example@x.example", LISTED },
	{ "listed.example!a@x.example", LISTED },
	{ "\"@corp.example!all\"@localhost", ALL }, /* Sendmail */
	{ "solo%corp.example@x.example", SOLO },
	{ "no%reply@example.com", NULL },
	{ "100%@here.example", NULL },
	{ "50%off!@example.com", NULL },
	{ "wow!cool@example.com", NULL },
	{ "all%remote.example@corp.example", NULL },
	{ "all%sub.corp.example@corp.example", NULL },
	{ "remote.example!all@corp.example", NULL },
	{ "!def!xyz%abc@example.com", NULL },
	{ "\"Abc@def\"@example.com", NULL },
	{ "\"100% sure\"@example.com", NULL },
	{ "\"Joe.\\\\Blow\"@example.com", NULL },
	{ "\"Fred Bloggs\"@example.com", NULL },
	{ "\"Fred :)\"@example.com", NULL },
	{ "\" all\"@localhost", NULL }, /* another mailbox than all */
	{ "customer/department=shipping@example.com", NULL },
	{ "a@b@example.com", NULL },
	/* Without a full domain. */
	{ "all", ALL },
	{ "all@localhost", ALL },
	{ "all@LOCALHOST.", ALL },
	{ "all@localhost.corp.example", ALL },
	{ "all@[192.0.2.1]", ALL },
	{ "all@[IPv6:2001:db8::1]", ALL },
	{ "all@192.0.2.1", ALL },
	{ "all@corp", ALL },
	{ "all%[192.0.2.1]@x.example", "rcpt=fail(address syntax)" },
	{ "all%localhost@x.example", ALL },
	{ "all+x", ALL },
	{ "solo@mx", SOLO },
	{ "trap2@localhost", "rcpt=fail(rcpt_to.access.blacklist_regex:1)" },
	{ "postmaster", "rcpt=fail(rcpt_to.access.blacklist:10)" }, /* at the second domain */
	/* The MTA completes a name without a dot. */
	{ "hidden@mx", "rcpt=fail(rcpt_to.access.blacklist:13)" },
	{ "hidden@MX.", "rcpt=fail(rcpt_to.access.blacklist:13)" },
	{ "hidden+x%mx@x.example", "rcpt=fail(rcpt_to.access.blacklist:13)" },
	{ "bob@sub", "rcpt=fail(rcpt_to.access.blacklist:14)" },
	{ "a@www.listed.example", LISTED },
	{ "boss@mx", "rcpt=fail(rcpt_to.access.blacklist:5)" }, /* allowed at corp.example only */
	{ "hidden", NULL },
	{ "hidden@localhost", NULL },
	{ "hidden@[192.0.2.1]", NULL },
	{ "hidden@192.0.2.1", NULL },
	{ "bob@mx", NULL },
	{ "all@[corp.example]", ALL },
	{ "a@[x.listed.example]", LISTED },
	{ "all@corp.example.UUCP", ALL }, /* Sendmail */
	{ "corp.example.uucp!all@x.example", ALL },
	{ "all%corp.example.uucp@localhost", ALL },
	{ "a@x.listed.example.uucp", LISTED },
	{ "all@x.example.uucp", NULL },
	/* Postfix folds the case of a domain, too. */
	{ "box@bu\u00dfe.example", "rcpt=fail(rcpt_to.access.blacklist:15)" },
	{ "BOX+x@BU\u1e9eE.example", "rcpt=fail(rcpt_to.access.blacklist:15)" },
	{ "box%bu\u00dfe.example@localhost", "rcpt=fail(rcpt_to.access.blacklist:15)" },
	{ "box@xn--bue-6ka.example", NULL },
	{ "other@bu\u00dfe.example", NULL },
	{ "chief@wei\u00df.example", NULL },
	{ "other@wei\u00df.example", "rcpt=fail(rcpt_to.access.blacklist:16)" },
	{ "\"<all>\"@corp.example", "rcpt=fail(address syntax)" },
	{ "bob", NULL },
	{ "bob@localhost", NULL },
	{ "root@[192.0.2.1]", NULL },
	{ "no%reply", "rcpt=fail(address syntax)" },
	{ "bob%localhost@localhost", NULL },
	/* Extensions. */
	{ "all+x@corp.example", ALL },
	{ "all-x+y@corp.example", ALL },
	{ "all+@corp.example", ALL },
	{ "all+x%corp.example@localhost", ALL },
	{ "\"all+x y\"@corp.example", ALL },
	{ "\"all+x\"@corp.example", ALL },
	{ "solo+x@corp.example", SOLO },
	{ "user+tag@corp.example", "rcpt=fail(rcpt_to.access.blacklist:7)" },
	{ "trap1+x@corp.example", NULL }, /* a regex sees only the full address */
	{ "+all@corp.example", NULL },
	{ "owner-all@corp.example", NULL },
	{ "all-request@corp.example", NULL },
	{ "user@corp.example", NULL },
	{ "user+other@corp.example", NULL },
	/* The MTA may have fewer delimiters. */
	{ "jean-luc+x@corp.example", "rcpt=fail(rcpt_to.access.blacklist:17)" },
	{ "jean-luc+x-request", "rcpt=fail(rcpt_to.access.blacklist:17)" },
	{ "\"jean-luc+x y\"@corp.example", "rcpt=fail(rcpt_to.access.blacklist:17)" },
	{ "all+x-request@corp.example", ALL },
	{ "so-lo+x@corp.example", "any=fail(access.domains:5)" },
	{ "jean-lucas+x@corp.example", NULL },
	{ "jean+luc-x@corp.example", NULL },
	{ "ann-lee@closed.example", NULL },
	{ "ann-lee+x@closed.example", "rcpt=fail(rcpt_to.access.blacklist:6)" },
	{ "allx+all@corp.example", NULL },
	/* Spellings. */
	{ "x..y@corp.example", "rcpt=fail(rcpt_to.access.blacklist:2)" },
	{ "\"x..y\"@corp.example", "rcpt=fail(rcpt_to.access.blacklist:2)" },
	{ "\"x..y+z\"@corp.example", "rcpt=fail(rcpt_to.access.blacklist:2)" },
	{ "x..y%corp.example@localhost", "rcpt=fail(rcpt_to.access.blacklist:2)" },
	{ "\"a b+c\"@corp.example", "rcpt=fail(rcpt_to.access.blacklist:3)" },
	{ "\"a b%corp.example\"@localhost", "rcpt=fail(rcpt_to.access.blacklist:3)" },
	{ "\".dots\"@corp.example", "rcpt=fail(rcpt_to.access.blacklist_regex:2)" },
	{ "\u017fale\u017f@corp.example", SALES }, /* Postfix looks up sales */
	{ "SALE\u017f+x@corp.example", SALES },
	{ "\u017fales%corp.example@localhost", SALES },
	{ "\"\u017fales\"@corp.example", SALES },
	{ "\u017fales", SALES },
	{ "J\u00d6RG@corp.example", "rcpt=fail(rcpt_to.access.blacklist:12)" },
	{ "j\u00f6rg@corp.example", "rcpt=fail(rcpt_to.access.blacklist:12)" },
	{ "J\u00d6RG@localhost", "rcpt=fail(rcpt_to.access.blacklist:12)" },
	{ "\u212aate9@corp.example", "rcpt=fail(rcpt_to.access.blacklist_regex:3)" },
	{ "\u017folo@corp.example", SOLO },
	{ "stra\u00dfe@open.example", NULL },
	{ "jorg@corp.example", NULL },
	{ "\u7528\u6237@corp.example", NULL },
	{ "x.y@corp.example", NULL },
	{ "\"a  b\"@corp.example", NULL },
	/* An allow entry counts only if all readings are allowed. */
	{ "boss@corp.example", NULL },
	{ "boss+x@corp.example", NULL },
	{ "boss", NULL },
	{ "boss@localhost", NULL },
	{ "any@open.example", NULL },
	{ "boss%corp.example@open.example", NULL },
	{ "all%corp.example@open.example", ALL },
	{ "local",
		"rcpt=fail(rcpt_to.access.blacklist:9)" }, /* allowed at the second domain only */
	{ "M\u00dcLLER+x@closed.example", NULL },	   /* in any case */
	{ "mu\u0308ller@closed.example", "rcpt=fail(rcpt_to.access.blacklist:6)" },
	{ "\u212aim@closed.example", "rcpt=fail(rcpt_to.access.blacklist:6)" }, /* not kim */
	{ "friend@listed.example", NULL },
	{ "friend+x@listed.example", NULL },
	{ "vip%listed.example@x.example", NULL },
	{ "friend%listed.example@listed.example", LISTED },
};
START_TEST(a_recipient_is_refused_if_one_of_its_readings_is)
	{
		const struct asked asked = { STAGE_RCPT, .rcpt = recipients[_i].address };
		const char *got;

		made_build(&m);
		got = made_decide(&m, &asked);
		if (recipients[_i].rule == NULL)
			ck_assert_msg(strncmp(got, "accept", 6) == 0, "%s: %s", asked.rcpt, got);
		else
			ck_assert_msg(strncmp(got, "reject", 6) == 0 &&
					strstr(got, recipients[_i].rule) != NULL,
				"%s: %s", asked.rcpt, got);
	}
END_TEST

static const struct {
	const char *address, *rule;
} senders[] = {
	{ "all%corp.example@x.example", "mail=fail(mail_from.access.blacklist:1)" },
	{ "\"all@corp.example\"@x.example", "mail=fail(mail_from.access.blacklist:1)" },
	{ "all", "mail=fail(mail_from.access.blacklist:1)" },
	{ "all+x@localhost", "mail=fail(mail_from.access.blacklist:1)" },
	{ "a@spam.example@x.example", "mail=fail(mail_from.access.blacklist:2)" },
	{ "trap%corp.example@x.example", "mail=fail(mail_from.access.blacklist_regex:1)" },
	{ "listed.example!a@x.example", "any=fail(access.domains:1)" },
	{ "good%spam.example@x.example", "mail=fail(mail_from.access.blacklist:2)" },
	{ "good@spam.example", NULL },
	{ "good+x@spam.example", NULL },
	{ "bounces+123-bob=example.com@lists.example", NULL },
	{ "no%reply@example.com", NULL },
	{ "root", NULL },
	{ "<>", NULL },
};
START_TEST(a_sender_is_read_in_the_same_way)
	{
		const struct asked asked = { STAGE_MAIL, .mail = senders[_i].address };
		const char *got;

		made_build(&m);
		got = made_decide(&m, &asked);
		assert_decided_by(senders[_i].rule, asked.mail, got);
	}
END_TEST

/* With [lists] local_domains empty, a local recipient that could be denied is refused. */
#define EMPTY ", and [lists] local_domains is empty)"
static const struct {
	const char *deny, *domains, *address, *rule;
} unknown[] = {
	{ "all@corp.example", "", "all", "rcpt=fail(rcpt_to.access.blacklist:1" EMPTY },
	{ "all@corp.example", "", "all+x@localhost", "rcpt=fail(rcpt_to.access.blacklist:1" EMPTY },
	{ "all@corp.example", "", "all@[192.0.2.1]", "rcpt=fail(rcpt_to.access.blacklist:1" EMPTY },
	{ "all@corp.example", "", "all%mx@x.example",
		"rcpt=fail(rcpt_to.access.blacklist:1" EMPTY },
	{ "jean-luc@corp.example", "", "jean-luc+x@mx",
		"rcpt=fail(rcpt_to.access.blacklist:1" EMPTY },
	{ "x..y@corp.example", "", "\"x..y\"@mx", "rcpt=fail(rcpt_to.access.blacklist:1" EMPTY },
	{ "x@b.example\n@corp.example", "", "bob", "rcpt=fail(rcpt_to.access.blacklist:2" EMPTY },
	{ ".corp.example", "", "bob", "rcpt=fail(rcpt_to.access.blacklist:1" EMPTY },
	{ "", "x.example\nall@corp.example", "all", "any=fail(access.domains:2" EMPTY },
	{ "all@corp.example", "", "bob", NULL },
	{ "all@corp.example", "", "bob@localhost", NULL },
	{ "all@corp.example", "", "all@x.example", NULL },
	{ "postmaster@corp.example", "", "postmaster", NULL },
	{ "@corp.example", "", "Postmaster@[192.0.2.1]", NULL },
	{ "", "corp.example", "bob", NULL },
	{ "", "!all@corp.example", "all", NULL },
	{ "", "", "all", NULL },
	{ "@corp.example", "", "friend", NULL }, /* on the allow list */
	/* Behind %, a name may be a part of the local part: only addresses are held against it. */
	{ "@corp.example", "", "no%reply@example.net", NULL },
	{ ".corp.example", "", "50%off!@example.net", NULL },
	{ "@corp.example", "", "wow!cool@example.net", NULL },
	{ "@corp.example", "", "100%5@example.net", NULL },
	{ "@corp.example", "", "\"100% sure\"@example.net", NULL },
	{ "no@corp.example", "", "no%reply@example.net",
		"rcpt=fail(rcpt_to.access.blacklist:1" EMPTY },
	{ "@corp.example", "", "bob%localhost@example.net",
		"rcpt=fail(rcpt_to.access.blacklist:1" EMPTY },
	{ "@corp.example", "", "bob%reply@localhost",
		"rcpt=fail(rcpt_to.access.blacklist:1" EMPTY },
	{ "@corp.example", "", "no%reply@mx", "rcpt=fail(rcpt_to.access.blacklist:1" EMPTY },
};
START_TEST(without_local_domains_a_recipient_that_may_be_denied_is_refused)
	{
		const struct asked asked = { STAGE_RCPT, .rcpt = unknown[_i].address };
		const char *got;

		m.settings->local_domains = "";
		made_list(&m, LIST_RCPT_ALLOW, "friend");
		made_list(&m, LIST_RCPT_DENY, unknown[_i].deny);
		made_list(&m, LIST_RCPT_DENY_RE, "");
		made_list(&m, LIST_DOMAINS, unknown[_i].domains);
		made_build(&m);
		got = made_decide(&m, &asked);
		assert_decided_by(unknown[_i].rule, asked.rcpt, got);
	}
END_TEST

/* The same for senders, among whom postmaster is no exception. */
static const struct {
	const char *deny, *domains, *address, *rule;
} unknown_senders[] = {
	{ "boss@corp.example", "", "boss", "mail=fail(mail_from.access.blacklist:1" EMPTY },
	{ "boss@corp.example", "", "BOSS+x", "mail=fail(mail_from.access.blacklist:1" EMPTY },
	{ "boss@corp.example", "", "\"boss\"", "mail=fail(mail_from.access.blacklist:1" EMPTY },
	{ "boss@corp.example", "", "\"\\\\boss\"", "mail=fail(mail_from.access.blacklist:1" EMPTY },
	{ "x@b.example\n@corp.example", "", "boss",
		"mail=fail(mail_from.access.blacklist:2" EMPTY },
	{ ".corp.example", "", "postmaster", "mail=fail(mail_from.access.blacklist:1" EMPTY },
	{ "", "x.example\nboss@corp.example", "boss", "any=fail(access.domains:2" EMPTY },
	{ "", "postmaster@corp.example", "postmaster", "any=fail(access.domains:1" EMPTY },
	{ "boss@corp.example", "", "boss@localhost",
		"mail=fail(mail_from.access.blacklist:1" EMPTY },
	{ "boss@corp.example", "", "boss+x@mx", "mail=fail(mail_from.access.blacklist:1" EMPTY },
	{ "boss@corp.example", "", "\"\\\\boss\"@mx",
		"mail=fail(mail_from.access.blacklist:1" EMPTY },
	{ "boss@corp.example", "", "boss@[192.0.2.1]",
		"mail=fail(mail_from.access.blacklist:1" EMPTY },
	/* A domain refuses only senders without any. */
	{ "@corp.example", "", "boss@localhost", NULL }, { "@corp.example", "", "boss@mx", NULL },
	{ "@corp.example", "", "boss@[192.0.2.1]", NULL },
	{ "@corp.example", "", "boss@192.0.2.1", NULL },
	{ "", "boss@corp.example", "boss@localhost", "any=fail(access.domains:1" EMPTY },
	{ "boss@corp.example", "", "root@localhost", NULL },
	{ "@corp.example", "", "no%reply@example.net", NULL },
	{ "@corp.example", "", "no%localhost@example.net", NULL },
	/* Sendmail sends from boss@localhost, if example.net is one of its domains. */
	{ "boss@corp.example", "", "boss%localhost@example.net",
		"mail=fail(mail_from.access.blacklist:1" EMPTY },
	{ "boss@corp.example", "", "root", NULL },
	{ "boss@corp.example", "", "boss@x.example", NULL }, { "@corp.example", "", "<>", NULL },
	{ "", "corp.example", "root", NULL }, { "", "", "boss", NULL },
	{ "@corp.example", "", "friend", NULL }, /* on the allow list */
};
START_TEST(without_local_domains_a_sender_that_may_be_denied_is_refused)
	{
		const struct asked asked = { STAGE_MAIL, .mail = unknown_senders[_i].address };
		const char *got, *rule = unknown_senders[_i].rule;

		m.settings->local_domains = "";
		made_list(&m, LIST_MAIL_ALLOW, "friend");
		made_list(&m, LIST_MAIL_DENY, unknown_senders[_i].deny);
		made_list(&m, LIST_MAIL_DENY_RE, "");
		made_list(&m, LIST_DOMAINS, unknown_senders[_i].domains);
		made_build(&m);
		got = made_decide(&m, &asked);
		assert_decided_by(rule, asked.mail, got);
	}
END_TEST

/* The MTA's host name is one more name of its own, but a mail domain if it is the first one. */
static const struct {
	const char *domains, *mta, *address, *rule;
} host_names[] = {
	{ "corp.example\0", "mx.corp.example", "all@mx.corp.example", ALL },
	{ "corp.example\0", "mx.corp.example", "all+x@MX.corp.example.", ALL },
	{ "corp.example\0", "mx.corp.example", "\"all\"@mx.corp.example", ALL },
	{ "corp.example\0", "mx.corp.example", "all%mx.corp.example@x.example", ALL },
	{ "corp.example\0", "mx.corp.example", "trap1@mx.corp.example",
		"rcpt=fail(rcpt_to.access.blacklist_regex:1)" },
	{ "corp.example\0", "mx.corp.example", "solo@mx.corp.example", SOLO },
	{ "corp.example\0", "mx.x.example", "all@mx.x.example", ALL },
	{ "corp.example\0mx.corp.example\0", "mx.corp.example", "all@mx.corp.example", ALL },
	{ "corp.example\0", "mx.corp.example", "hidden", "rcpt=fail(rcpt_to.access.blacklist:13)" },
	{ "corp.example\0", "mx.corp.example", "hidden@localhost",
		"rcpt=fail(rcpt_to.access.blacklist:13)" },
	{ "", "mx.corp.example", "hidden", "rcpt=fail(rcpt_to.access.blacklist:13)" },
	/* Allowed as written, unless the same mailbox is denied elsewhere. */
	{ "x.example\0", "open.example", "bob@open.example", NULL },
	{ "corp.example\0", "open.example", "all@open.example", ALL },
	{ "second.example\0", "corp.example", "boss", NULL },
	{ "second.example\0", "mx.corp.example", "boss@mx.corp.example", NULL },
	{ "x.example\0", "corp.example", "all", ALL },
	{ "corp.example\0", "mx.corp.example", "all@mx2.corp.example", NULL },
	{ "corp.example\0", "mx.corp.example", "bob@mx.corp.example", NULL },
	{ "corp.example\0", "mx.corp.example", "hidden@corp.example", NULL },
	{ "corp.example\0", NULL, "all@mx.corp.example", NULL },
	/* It completes a name without a dot by its own domain. */
	{ "x.example\0", "mx.second.example", "bob@sub", "rcpt=fail(rcpt_to.access.blacklist:14)" },
	{ "x.example\0", "mx.second.example", "bob%sub@localhost",
		"rcpt=fail(rcpt_to.access.blacklist:14)" },
	{ "", "mx.second.example", "bob@SUB.", "rcpt=fail(rcpt_to.access.blacklist:14)" },
	{ "x.example\0", "mx", "bob@sub", NULL },
	{ "x.example\0", "mx.second.example", "bob@localhost", NULL },
	{ "open.example\0corp.example\0", "open.example", "all@open.example", NULL },
	{ "open.example\0", "open.example", "all@open.example", NULL },
	{ "", "mx.x.example", "all@mx.x.example", NULL },
	/* Without local_domains, a recipient at it is also looked up at the domain of the host. */
	{ "", "mx.corp.example", "all@mx.corp.example", ALL },
	{ "", "mx.corp.example", "all+x%mx.corp.example@x.example", ALL },
	{ "", "mx.corp.example", "solo@mx.corp.example", SOLO },
	{ "", "mx.corp.example", "bob@mx.corp.example", NULL },
	/* The first domain is no mail domain if the domain of the host is one. */
	{ "mx.corp.example\0corp.example\0", "mx.corp.example", "all@mx.corp.example", ALL },
	{ "mx.corp.example\0x.example\0", "mx.corp.example", "all@mx.corp.example", NULL },
};
START_TEST(the_host_name_of_the_mta_is_one_of_its_names)
	{
		const struct asked rcpt = { STAGE_RCPT, .rcpt = host_names[_i].address,
			.mta = host_names[_i].mta };
		const char *got, *rule = host_names[_i].rule;

		m.settings->local_domains = host_names[_i].domains;
		made_build(&m);
		got = made_decide(&m, &rcpt);
		assert_decided_by(rule, rcpt.rcpt, got);
	}
END_TEST

START_TEST(a_sender_at_the_host_name_of_the_mta_is_denied_as_at_its_domains)
	{
		const struct asked asked = { STAGE_MAIL, .mail = "all@mx.corp.example",
			.mta = "mx.corp.example" };

		made_build(&m);
		ck_assert_ptr_nonnull(
			strstr(made_decide(&m, &asked), "mail=fail(mail_from.access.blacklist:1)"));
	}
END_TEST

static const struct {
	const char *address;
	bool refused;
} routed[] = {
	{ "no%reply@example.com", true },
	{ "a!b@example.com", true },
	{ "a@b@example.com", true },
	{ "\"a@b\"@example.com", true },
	{ "<@x.example:a@example.com>", true },
	{ "a@example.com", false },
	{ "\"a b\"@example.com", false },
	{ "a+b@example.com", false },
	{ "bob", false },
};
START_TEST(refuse_all_refuses_routed_recipients_of_everybody)
	{
		const struct asked asked = { STAGE_RCPT, .rcpt = routed[_i].address },
				   mail = { STAGE_MAIL, .mail = routed[_i].address };

		m.settings->routed_recipients = ROUTED_REFUSE_ALL;
		made_build(&m);
		(void)made_decide(&m, &asked);
		if (routed[_i].refused)
			ck_assert_ptr_nonnull(strstr(m.text,
				"reject: rcpt=fail([profile] routed_recipients = refuse_all) 550 5.7.1 "));
		else
			ck_assert_int_eq(strncmp(m.text, "accept", 6), 0);
		ck_assert_int_eq(strncmp(made_decide(&m, &mail), "accept", 6), 0);
	}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

static Suite *make_suite(void)
{
	Suite *suite = suite_create("check_readings");
	TCase *tcase = tcase_create("check_readings");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, a_recipient_is_refused_if_one_of_its_readings_is, 0,
		ROWS(recipients));
	tcase_add_loop_test(tcase, a_sender_is_read_in_the_same_way, 0, ROWS(senders));
	tcase_add_loop_test(tcase, without_local_domains_a_recipient_that_may_be_denied_is_refused,
		0, ROWS(unknown));
	tcase_add_loop_test(tcase, without_local_domains_a_sender_that_may_be_denied_is_refused, 0,
		ROWS(unknown_senders));
	tcase_add_loop_test(tcase, the_host_name_of_the_mta_is_one_of_its_names, 0,
		ROWS(host_names));
	tcase_add_test(tcase, a_sender_at_the_host_name_of_the_mta_is_denied_as_at_its_domains);
	tcase_add_loop_test(tcase, refuse_all_refuses_routed_recipients_of_everybody, 0,
		ROWS(routed));
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
