#ifndef POSTERN_CHECK_H
#define POSTERN_CHECK_H

#include <stdint.h>

#include "lib/rules/facts.h"
#include "lib/rules/policy.h"
#include "lib/rules/suspensions.h"
#include "lib/rules/verdict.h"

/*
 * The stages (design section 3). Each decides from the policy and the facts
 * and fills *verdict; nothing is kept. Thread-safe with a scratch per call.
 *
 * A session with a login, where the service's `authenticated` is skip, and a
 * client that is exempt are not bound by connect and helo: they get no
 * findings. Whoever asks before a login can be known (delay_reject = no)
 * leaves facts->login NULL.
 */
struct decider {
	const struct policy *policy;
	struct regex_scratch *scratch;
	struct suspensions *suspensions; /* NULL: nobody is suspended */
};

void check_connect(const struct decider *d, const struct facts *facts, struct verdict *verdict);
void check_helo(const struct decider *d, const struct facts *facts, struct verdict *verdict);
void check_mail(const struct decider *d, const struct facts *facts, struct verdict *verdict);
void check_rcpt(const struct decider *d, const struct facts *facts, const struct mail_address *rcpt,
	struct verdict *verdict);
void check_header(const struct decider *d, const struct facts *facts,
	const struct header_facts *header, struct verdict *verdict);

/* The answer to what can't be decided: no policy, out of memory, an address past its bound. */
void check_failed(const struct settings *settings, enum check check, const char *why,
	struct verdict *verdict);

#endif
