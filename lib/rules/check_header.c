#include <string.h>

#include "lib/match/from_header.h"
#include "lib/rules/check_private.h"

/* `any` looks at one address of From after the other, until one is refused. */
struct data_check {
	const struct list *domains;
	enum any_result result;
	uint32_t line;
};

static bool look_at_domain(void *context, const struct mail_address *address)
{
	struct data_check *check = context;
	enum any_result result;
	uint32_t line;

	result = list_any_address(check->domains, address, &line);
	if (result == ANY_UNLISTED)
		return true;
	check->result = result;
	check->line = line;
	return result != ANY_DENY;
}

static bool check_data(struct checking *c, const struct header_facts *header)
{
	struct data_check check = { .domains = c->parts->lists[LIST_DOMAINS] };
	struct finding *finding;
	size_t i;

	if (!checking_wants(c, CHECK_DATA))
		return true;
	finding = finding_new(c, CHECK_DATA);
	for (i = 0; i < header->from_count && check.result != ANY_DENY; i++)
		(void)from_header_parse(header->from[i].value, header->from[i].len, look_at_domain,
			&check);
	if (check.result == ANY_UNLISTED)
		return true;
	finding_listed(finding, LIST_DOMAINS, check.line);
	if (check.result == ANY_ALLOW) {
		finding->outcome = OUTCOME_PASS;
		return true;
	}
	return finding_fail(c, finding, 550, "5.7.1",
		"Email from that domain is not accepted here.");
}

/* Each address of the one From field must belong to who sends. */
struct from_check {
	const struct checking *c;
	const struct sender_user *who;
	bool belongs;
	struct finding *finding;
};

static bool is_aligned(const struct checking *c, const struct mail_address *address)
{
	const struct mail_address *sender = c->facts->sender;
	const char *a, *b;

	if (address_equal(address, sender))
		return true;
	if (!sender->has_domain)
		return false;
	a = orgdomain_of(c->parts->psl, address_domain(address));
	b = orgdomain_of(c->parts->psl, address_domain(sender));
	return a != NULL && b != NULL && strcmp(a, b) == 0;
}

static bool look_at_owner(void *context, const struct mail_address *address)
{
	struct from_check *check = context;
	const struct checking *c = check->c;

	check->belongs = false;
	if (address->has_domain) {
		switch (c->settings->header_from) {
		case HEADER_FROM_OWNED:
			check->belongs =
				sender_user_owns(c, check->who, address, check->finding->rule);
			break;
		case HEADER_FROM_ENVELOPE:
			check->belongs = address_equal(address, c->facts->sender);
			break;
		case HEADER_FROM_ALIGNED:
			check->belongs = is_aligned(c, address);
			break;
		}
	}
	if (!check->belongs)
		finding_rule(check->finding, "header_from: %.150s", address->canon);
	return check->belongs;
}

/* Returns whether From is the user's; the rule says why not. */
static bool from_belongs(struct checking *c, const struct header_facts *header,
	const struct sender_user *who, struct finding *finding)
{
	struct from_check check = { .c = c, .who = who, .finding = finding };

	if (header->from_count != 1) {
		finding_rule(finding,
			header->from_count == 0 ? "header_from: no From field" :
						  "header_from: several From fields");
		return false;
	}
	switch (from_header_parse(header->from[0].value, header->from[0].len, look_at_owner,
		&check)) {
	case FROM_ADDRESSES:
		return check.belongs;
	case FROM_NONE:
		finding_rule(finding, "header_from: no address in From");
		return false;
	case FROM_UNPARSABLE:
		finding_rule(finding, "header_from: From can't be parsed");
		return false;
	}
	return false;
}

static bool check_header_from(struct checking *c, const struct header_facts *header)
{
	struct sender_user who;
	struct finding *finding;

	if (!checking_wants(c, CHECK_HEADER_FROM) || c->facts->sender->is_null ||
		!sender_user_find(c, &who) || !who.held)
		return true;
	finding = finding_new(c, CHECK_HEADER_FROM);
	if (!from_belongs(c, header, &who, finding))
		return finding_fail(c, finding, 550, "5.7.1", "Envelope and body FROM mismatch");
	finding->outcome = OUTCOME_PASS;
	return true;
}

void check_header(const struct decider *d, const struct facts *facts,
	const struct header_facts *header, struct verdict *verdict)
{
	struct checking c = checking_begin(d, facts, verdict);

	if (check_data(&c, header))
		(void)check_header_from(&c, header);
}
