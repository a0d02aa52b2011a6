#include "milter/smtp/callbacks_private.h"

void callbacks_agree(struct needs *needs, unsigned long actions, unsigned long steps,
	unsigned long *actions_r, unsigned long *steps_r)
{
	unsigned long want = SMFIP_NOUNKNOWN | SMFIP_NR_UNKN | SMFIP_NR_HDR;
	const unsigned long for_results = SMFIF_ADDHDRS | SMFIF_CHGHDRS;

	needs->no_results = (actions & for_results) != for_results;
	needs->results = needs->results && !needs->no_results;
	*actions_r = needs->results ? for_results : SMFIF_NONE;
	*actions_r |= actions & SMFIF_SETSYMLIST;

	if (!needs->answer_connect)
		want |= SMFIP_NR_CONN;
	if (!needs->answer_helo)
		want |= SMFIP_NR_HELO;
	if (!needs->answer_rcpt)
		want |= SMFIP_NR_RCPT;
	if (!needs->answer_data)
		want |= SMFIP_NODATA;
	if (!needs->headers)
		want |= SMFIP_NOHDRS;
	/*
	 * The header is judged at the first piece of the body, or at the end of the message when
	 * none is to come: so all fields and what follows go in one write, where an answer to the
	 * end of the header would cost a round trip of its own. With a body it comes all the same,
	 * since it brings the queue id.
	 */
	if (needs->body)
		want |= SMFIP_SKIP | SMFIP_HDR_LEADSPC | SMFIP_NR_EOH;
	else
		want |= SMFIP_NOBODY | SMFIP_NOEOH;
	*steps_r = want & steps;
	needs->skip = (*steps_r & SMFIP_SKIP) != 0;
	needs->leading_space = (*steps_r & SMFIP_HDR_LEADSPC) != 0;
	needs->answer_eoh = (*steps_r & SMFIP_NR_EOH) == 0;
}

void callbacks_ask_macros(SMFICTX *ctx, const struct needs *needs)
{
	static char connect[] = "v {daemon_name} {client_resolve}";
	static char mail[] = "i {auth_authen}";
	static char queue_id[] = "i";
	static char nothing[] = "{postern_none}"; /* a list can't be empty */

	(void)smfi_setsymlist(ctx, SMFIM_CONNECT, connect);
	(void)smfi_setsymlist(ctx, SMFIM_HELO, nothing);
	(void)smfi_setsymlist(ctx, SMFIM_ENVFROM, mail);
	(void)smfi_setsymlist(ctx, SMFIM_ENVRCPT, queue_id);
	(void)smfi_setsymlist(ctx, SMFIM_DATA, nothing);
	(void)smfi_setsymlist(ctx, SMFIM_EOH, needs->body ? queue_id : nothing);
	(void)smfi_setsymlist(ctx, SMFIM_EOM, queue_id);
}
