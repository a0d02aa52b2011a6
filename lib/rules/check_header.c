/*
 * The stage header: access.domains and the user's addresses against the From field. Owns nothing;
 * any thread may call it.
 */
#include <string.h>

#include "lib/base/ascii.h"
#include "lib/base/text.h"
#include "lib/match/from_address.h"
#include "lib/match/from_grammar.h"
#include "lib/match/from_header.h"
#include "lib/rules/check_private.h"

static const char too_many[] = "header_from: too many or too long From or Sender fields";

/* The state of a search of access.domains for the addresses of From; it ends when one is denied. */
struct data_check {
	const struct list *domains;
	const char *delimiters;
	enum any_result result;
	uint32_t line;
	bool is_cut; /* an address is too long to be looked up */
};

static bool look_at_domain(void *context, const struct mail_address *address)
{
	struct data_check *check = context;
	struct mail_address shown;
	enum any_result result;
	uint32_t line;

	if (address == NULL) {
		check->is_cut = true;
		return true;
	}
	result = list_any_address(check->domains, address, check->delimiters, &line);
	for (unsigned i = 0; i < FROM_MISREADINGS && result == ANY_UNLISTED; i++) {
		if (from_address_misread(address, i, &shown) &&
			list_any_address(check->domains, &shown, check->delimiters, &line) ==
				ANY_DENY)
			result = ANY_DENY;
	}
	if (result == ANY_UNLISTED)
		return true;
	check->result = result;
	check->line = line;
	return result != ANY_DENY;
}

#define MACRO_MARK 0x81 /* in the memory of Sendmail, see is_sent_unchanged() */

static bool lacks_mark(void *context, const struct mail_address *address)
{
	bool *lacks = context;

	*lacks = strchr(address->text, MACRO_MARK) == NULL;
	return *lacks;
}

/*
 * Return whether Sendmail may put the value of a macro into an address of the field. The sender
 * sets $x, for example, and so would evade the list. Names come out as they were, but Sendmail may
 * take them for addresses if the grammar does not accept the field, or if they contain a comma.
 */
static bool may_get_macro(const struct field *field)
{
	struct from_field parsed;
	bool lacks = true;

	if (memchr(field->value, MACRO_MARK, field->len) == NULL)
		return false;
	parsed = from_grammar_parse(field->value, field->len, lacks_mark, &lacks);
	return !lacks || parsed.refusal != NULL || parsed.has_comma;
}

static bool check_data(struct check_run *run, const struct header_facts *header)
{
	struct data_check check = { .domains = run->parts->lists[LIST_DOMAINS],
		.delimiters = run->settings->list_delimiter };
	struct finding *finding;
	bool gets_macro = false;
	size_t i;

	if (!check_run_wants(run, CHECK_DATA))
		return true;
	finding = finding_new(run, CHECK_DATA);
	for (i = 0; i < header->from_count && check.result != ANY_DENY; i++) {
		(void)from_header_parse(header->from[i].value, header->from[i].len, look_at_domain,
			&check);
		gets_macro |= header->is_sendmail && may_get_macro(&header->from[i]);
	}
	if (check.result != ANY_DENY && (header->from_is_cut || check.is_cut)) {
		finding_rule(finding, "%s", too_many);
		return finding_fail(run, finding, 550, "5.6.0", "Too many or too long From fields");
	}
	if (check.result != ANY_DENY && gets_macro) {
		finding_rule(finding, "data: Sendmail changes an address in From");
		return finding_fail(run, finding, 550, "5.6.0",
			"From has letters that are not accepted here");
	}
	if (check.result == ANY_UNLISTED)
		return true;
	finding_listed(finding, LIST_DOMAINS, check.line);
	if (check.result == ANY_ALLOW) {
		finding->outcome = OUTCOME_PASS;
		return true;
	}
	return finding_fail(run, finding, 550, "5.7.1",
		"Email from that domain is not accepted here.");
}

/* Each address of a field must belong to the user. */
struct from_check {
	const struct check_run *run;
	const struct header_facts *header;
	const struct sender_user *who;
	bool belongs;
	size_t count; /* of the addresses in the field */
	struct finding *finding;
};

/* Return whether the address has the organizational domain of the envelope sender. */
static bool has_sender_domain(void *context, const struct mail_address *address)
{
	const struct check_run *run = context;
	const struct mail_address *sender = run->facts->sender;
	const char *a, *b;

	if (!sender->has_domain)
		return false;
	a = orgdomain_of(run->parts->psl, address_domain(address));
	b = orgdomain_of(run->parts->psl, address_domain(sender));
	return a != NULL && b != NULL && strcmp(a, b) == 0;
}

static bool is_aligned(const struct check_run *run, const struct mail_address *address)
{
	struct check_run copy = *run;

	return address_equal(address, run->facts->sender) ||
		(has_sender_domain(&copy, address) &&
			(address->is_simple ||
				readings_pass(run, address, has_sender_domain, &copy)));
}

static bool address_belongs(struct from_check *check, const struct mail_address *address)
{
	const struct check_run *run = check->run;

	switch (run->settings->header_from) {
	case HEADER_FROM_OWNED:
		return sender_user_owns(run, check->who, address, check->finding->rule);
	case HEADER_FROM_ENVELOPE:
		return address_equal(address, run->facts->sender);
	case HEADER_FROM_ALIGNED:
		return is_aligned(run, address);
	}
	return false;
}

/*
 * Return whether each address that some programs show instead belongs to the user. Of a domain that
 * froms names, they show the same part whoever sends: such as mail.m of mail.münchen.example.
 */
static bool misreadings_belong(struct from_check *check, const struct mail_address *address)
{
	struct mail_address shown;

	for (unsigned i = 0; i < FROM_MISREADINGS; i++) {
		if (!from_address_misread(address, i, &shown) || address_belongs(check, &shown) ||
			(i == FROM_CUT_DOMAIN &&
				sender_user_names_domain(check->run, check->who, address)))
			continue;
		finding_rule(check->finding, "header_from: some programs show %.*s",
			TEXT_CUT(shown.canon, 130));
		return false;
	}
	return true;
}

/*
 * Return whether the MTA sends the address as it is. In memory, Sendmail uses the bytes from 0x80
 * to 0x9f to mark macros and operators. When it writes an address anew, it takes such bytes of
 * UTF-8 for its marks: U+0101 and an x become the value of $x, which the field Full-Name sets.
 */
static bool is_sent_unchanged(struct from_check *check, const struct mail_address *address)
{
	for (const char *c = address->text; check->header->is_sendmail && *c != '\0'; c++) {
		if ((unsigned char)*c < 0x80 || (unsigned char)*c > 0x9f)
			continue;
		finding_rule(check->finding, "header_from: Sendmail changes %.*s",
			TEXT_CUT(address->text, 150));
		return false;
	}
	return true;
}

static bool look_at_owner(void *context, const struct mail_address *address)
{
	struct from_check *check = context;

	check->belongs = address->has_domain && address_belongs(check, address);
	if (!check->belongs)
		finding_rule(check->finding, "header_from: %.*s", TEXT_CUT(address->canon, 150));
	else
		check->belongs =
			misreadings_belong(check, address) && is_sent_unchanged(check, address);
	return check->belongs;
}

static bool ignore_address(void *context, const struct mail_address *address)
{
	(void)context;
	(void)address;
	return false;
}

/* Return whether the MTA or some programs make another field of one that the grammar accepts; if
 * so, the rule contains the reason. */
static bool is_changed(struct from_check *check, const struct field *field, bool has_comma,
	const char *name)
{
	if (has_comma && check->header->is_sendmail) {
		finding_rule(check->finding,
			"header_from: Sendmail completes the name before the comma in %s", name);
		return true;
	}
	if (check->header->is_recoded && !ascii_is_all(field->value, field->len)) {
		finding_rule(check->finding,
			"header_from: some programs decode %s by the charset of Content-Type: "
			"encode the name (RFC 2047)",
			name);
		return true;
	}
	return false;
}

/* Return whether the addresses of one field belong to the user; if not, the rule contains the
 * reason. */
static bool field_belongs(struct from_check *check, const struct field *field, const char *name)
{
	struct from_field parsed;

	check->belongs = true;
	parsed = from_grammar_parse(field->value, field->len, look_at_owner, check);
	check->count = parsed.count;
	if (!check->belongs)
		return false;
	if (parsed.refusal == NULL)
		return !is_changed(check, field, parsed.has_comma, name);
	if (!from_header_parse(field->value, field->len, ignore_address, NULL))
		finding_rule(check->finding, "header_from: no address in %s", name);
	else
		finding_rule(check->finding,
			"header_from: mail programs may read %s differently: %s (%.*s)", name,
			parsed.refusal,
			TEXT_CUT_LEN(parsed.at, (size_t)(field->value + field->len - parsed.at),
				16));
	return false;
}

/*
 * If From has several addresses, Sender determines which of them sent the message (RFC 5322 section
 * 3.6.2), and mail programs show it. It must therefore be one field with one address of the user. A
 * missing Sender does no harm.
 */
static bool sender_belongs(struct from_check *check, const struct header_facts *header)
{
	if (check->count < 2 || header->sender_count == 0)
		return true;
	if (header->sender_count > 1) {
		finding_rule(check->finding, "header_from: several Sender fields");
		return false;
	}
	if (!field_belongs(check, &header->sender[0], "Sender"))
		return false;
	if (check->count > 1)
		finding_rule(check->finding, "header_from: several addresses in Sender");
	return check->count == 1;
}

/* Return whether From belongs to the user; if not, the rule contains the reason. */
static bool from_belongs(struct check_run *run, const struct header_facts *header,
	const struct sender_user *who, struct finding *finding)
{
	struct from_check check = { .run = run, .header = header, .who = who, .finding = finding };

	if (header->from_is_cut || header->sender_is_cut) {
		finding_rule(finding, "%s", too_many);
		return false;
	}
	if (header->from_count != 1) {
		finding_rule(finding,
			header->from_count == 0 ? "header_from: no From field" :
						  "header_from: several From fields");
		return false;
	}
	return field_belongs(&check, &header->from[0], "From") && sender_belongs(&check, header);
}

static bool check_header_from(struct check_run *run, const struct header_facts *header)
{
	struct sender_user who;
	struct finding *finding;

	if (!check_run_wants(run, CHECK_HEADER_FROM) || !sender_user_find(run, &who) || !who.held)
		return true;
	/* A null sender leaves nothing to compare From with. Whose it is can still be told. */
	if (run->facts->sender->is_null && run->settings->header_from != HEADER_FROM_OWNED)
		return true;
	finding = finding_new(run, CHECK_HEADER_FROM);
	if (!from_belongs(run, header, &who, finding))
		return finding_fail(run, finding, 550, "5.7.1", "Envelope and body FROM mismatch");
	finding->outcome = OUTCOME_PASS;
	return true;
}

void check_header(const struct check_env *env, const struct facts *facts,
	const struct header_facts *header, struct verdict *verdict)
{
	struct check_run run = check_run_begin(env, facts, verdict);

	if (check_data(&run, header))
		(void)check_header_from(&run, header);
	check_run_end(&run);
}
