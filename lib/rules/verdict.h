#ifndef POSTERN_VERDICT_H
#define POSTERN_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/rules/check_table.h"

/* The result of one check. */
enum outcome {
	OUTCOME_UNLISTED, /* no rule applies */
	OUTCOME_PASS,	  /* a rule allows */
	OUTCOME_FAIL,	  /* a rule refuses, with the reply of the finding */
	OUTCOME_WARN,	  /* would refuse, but the check is set to `warn` */
	OUTCOME_ERROR,	  /* could not be decided; on_error determines the verdict */
	OUTCOME_GAVE_UP,  /* a rule that may allow exceeded its limits, and counts as no match */
};
#define OUTCOME_COUNT (OUTCOME_GAVE_UP + 1)

const char *outcome_name(enum outcome outcome);

#define REPLY_TEXT_SIZE \
	460 /* an SMTP reply line is 512 octets with code and CRLF (RFC 5321 4.5.3.1.5) */
#define RULE_SIZE 200

struct reply {
	int code;		    /* 550, 450, ... ; 0: none */
	char enhanced[12];	    /* RFC 3463: "5.7.1" */
	char text[REPLY_TEXT_SIZE]; /* printable ASCII only */
};

/* The usage of a rate limit. A plain value. */
struct usage {
	uint64_t used;
	uint32_t limit, window; /* window in seconds; 0: the finding is not about a rate limit */
	uint64_t wait;		/* seconds until the next one is allowed; UINT64_MAX: never */
};

#define USAGE_TEXT_SIZE 112

/* Write "used=28/1024 window=1d next=0s". */
void usage_format(const struct usage *usage, char text_r[USAGE_TEXT_SIZE]);

struct finding {
	enum check check;
	enum outcome outcome;
	char rule[RULE_SIZE]; /* "mail_from.access.blacklist:17", "profile sales: rcpt_re[2]"; ""
				 for none */
	bool ran_out;	      /* a regex exceeded its limits, as the rule says */
	struct reply reply;   /* of OUTCOME_FAIL, _WARN and _ERROR */
	struct usage usage;   /* of CHECK_LIMITS and CHECK_RATES */
};

/*
 * One more than the most findings of any stage. If a stage makes more, the last place is reused,
 * and on_error answers the stage: see check_run_end().
 */
#define STAGE_ROOM(id, ...) char at_##id[STAGE_FINDINGS(id)];
enum { VERDICT_FINDINGS = sizeof(union { STAGE_TABLE(STAGE_ROOM) }) + 1 };

enum verdict_kind { VERDICT_CONTINUE, VERDICT_REJECT, VERDICT_TEMPFAIL, VERDICT_DISCARD };
#define VERDICT_KIND_COUNT (VERDICT_DISCARD + 1)

const char *verdict_name(enum verdict_kind kind); /* "accept", "reject", "tempfail", "discard" */

/*
 * The decision of a stage, and the findings of its checks in their order. When kind is not
 * CONTINUE, the last finding has decided. A plain value that the caller owns; verdict_init() makes
 * it valid.
 */
struct verdict {
	enum verdict_kind kind;
	bool suspend; /* the login must be suspended: [limits] on_limit */
	size_t count;
	struct finding findings[VERDICT_FINDINGS];
};

void verdict_init(struct verdict *verdict);

/* Return the finding that decided, or NULL when the stage continues. */
const struct finding *verdict_deciding_finding(const struct verdict *verdict);

/*
 * Set a reply. The text, formatted as by printf, is converted to printable ASCII (other bytes
 * become \xNN) and cut to fit.
 */
void reply_set(struct reply *reply, int code, const char *enhanced, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

#endif
