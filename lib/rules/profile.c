#include <stdlib.h>
#include <string.h>

#include "lib/rules/profile_private.h"

void profile_clear(struct profile *profile)
{
	strmap_free(&profile->hosts);
	strmap_free(&profile->rcpts);
	regexlist_free(&profile->rcpt_re);
}

struct profiles *profiles_ref(struct profiles *profiles)
{
	if (profiles != NULL)
		__atomic_add_fetch(&profiles->refs, 1, __ATOMIC_RELAXED);
	return profiles;
}

void profiles_unref(struct profiles **profiles)
{
	struct profiles *gone = *profiles;
	size_t i;

	*profiles = NULL;
	if (gone == NULL || __atomic_sub_fetch(&gone->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	for (i = 0; i < gone->count; i++)
		profile_clear(gone->at[i]);
	free(gone->at);
	strmap_free(&gone->by_id);
	strmap_free(&gone->by_name);
	strmap_free(&gone->bad);
	arena_free(&gone->arena);
	free(gone);
}

size_t profiles_count(const struct profiles *profiles)
{
	return profiles->count;
}

const struct profile *profiles_at(const struct profiles *profiles, size_t i)
{
	return profiles->at[i];
}

static const struct profile *find(const struct profiles *profiles, const struct strmap *map,
	const char *key)
{
	uint32_t i;

	return strmap_find(map, key, strlen(key), &i) ? profiles->at[i] : NULL;
}

const struct profile *profiles_by_id(const struct profiles *profiles, const char *id)
{
	return find(profiles, profiles->by_id, id);
}

const struct profile *profiles_by_name(const struct profiles *profiles, const char *name)
{
	return find(profiles, profiles->by_name, name);
}

bool profiles_is_bad(const struct profiles *profiles, const char *id)
{
	return strmap_find(profiles->bad, id, strlen(id), NULL);
}

bool profiles_any_maxsize(const struct profiles *profiles)
{
	return profiles->any_maxsize;
}

const char *profile_id(const struct profile *profile)
{
	return profile->id;
}

const char *profile_name(const struct profile *profile)
{
	return profile->name;
}

bool profile_is_open(const struct profile *profile)
{
	return profile->open;
}

uint64_t profile_maxsize(const struct profile *profile)
{
	return profile->maxsize;
}

const struct limits *profile_limits(const struct profile *profile)
{
	return &profile->limits;
}

bool profile_host_allows(const struct profile *profile, const struct mail_address *rcpt,
	uint32_t *index_r)
{
	const char *domain = address_domain(rcpt);

	return rcpt->has_domain && strmap_find(profile->hosts, domain, strlen(domain), index_r);
}

bool profile_rcpt_allows(const struct profile *profile, const struct mail_address *rcpt,
	uint32_t *index_r)
{
	return strmap_find(profile->rcpts, rcpt->canon, rcpt->canon_len, index_r);
}

const struct regexlist *profile_rcpt_re(const struct profile *profile)
{
	return profile->rcpt_re;
}

struct cell profile_cell(const struct profile *profile, enum profile_column column)
{
	return profile->cells[column];
}
