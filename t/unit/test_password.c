/*
 * Password hashes: which are usable, that right and wrong passwords are told apart, the bounds on
 * their cost, and hashing.
 */
#include "lib/auth/password.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "t/unit/unit.h"

#define FISH_6 \
	"$6$saltsalt$cPbDmdp7sUA1v8Yjfppi8VeFqwELnkKCqsv5H2wx/S4LZwLhIhlK7tCX/4JqgCT3onV3./FXCDD2Y6iXkj4Lp/"
#define FISH_5 "$5$saltsalt$daAhTF6GHYZ.SNpCbCUBgMUeouPxKWlT5eTP3TzH249"
#define FISH_Y "$y$j75$saltsaltsaltsalt$hH1mLVXC80IXo5DI0qJE5jnWUECCqTNa3loe5qC0utC"
#define FISH_2 "$2b$05$abcdefghijklmnopqrstuupWDwJQeCHYIBQy8WvkVB6ImhZ476YYy"

/* Hashes made with crypt(3), as passwd(1) makes them. */
static const struct {
	const char *password, *hash;
} right[] = {
	{ "Hello world!",
		"$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdF"
		"CoEOfaS35inz1" },
	{ "Hello world!", "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5" },
	{ "U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW" },
	{ "swordfish", FISH_6 },
	{ "swordfish", FISH_5 },
	{ "swordfish", FISH_Y },
	{ "swordfish", FISH_2 },
	{ "swordfish",
		"$6$rounds=1000$saltsalt$Pz.NeZwrOKpKm9zoXt43nzEgLTvewod6d8MyxWKF2ERHu/fxVS6EQA70HfP1/65MTN1."
		"vs19WOwQe7rIz9GM5/" },
	{ "swordfish", "$5$rounds=1000$saltsalt$Z8iVlwsZ1013qGqDLfi/9i2BBlL/blHZpL6qVNJkXH4" },
	{ "swordfish", "$2y$05$abcdefghijklmnopqrstuupWDwJQeCHYIBQy8WvkVB6ImhZ476YYy" },
	{ "swordfish", "$gy$j75$saltsaltsaltsalt$XDzox1eXgbaHRIxL59gh7df4OGqWuUBY.Akz/mc6tI8" },
	{ "swordfish", "$7$7/..../..../saltsalt$7dPFgqhj6E4AgB8o5VCuaUq4D8nWnMQM5/TG/TU5ej0" },
	{ "swordfish",
		"$y$j9T$F5Jx5fExrKuPp53xLKQ..1$TuYUAe2Rgyv0ovKGwYafIYPk72RaeXulr0zFf50b7J9" },
	{ "swordfish",
		"$6$$Jv7haamtvLoRBcLj2j/zTdKEnRgWRIIHmRPjdiI0b9TQsZhT.DqvIYbHgxntL7TcVfD45DBTqIx.s8sH/fCat0" },
	{ "", "$6$saltsalt$qkTgsCrWMTAS9gBGcf9W60sFfH.hU0oTCAOJjhbz5tSp/sU3/xXZK4OFwCtq8lIIdpJ6CatVdOTSHKp97TPkt/" },
	/* UTF-8 is hashed byte by byte. */
	{ "p\xc3\xa4ssw\xc3\xb6rd",
		"$6$saltsalt$TQjRhpJdqmLx0U8it3EsUajwkmOMMvw5vhUFc7mohzFFoj/QHrfYUHU1oSkwyCEoTUCDOiAOW135nel3"
		"bqtKe." },
	{ "p\xe4ssw\xf6rd",
		"$6$saltsalt$BylX5U0DWo6nwl6blnqAubB5aBgG6xRM9jxEfyHZpi3DGCGteEpRinWKQpkiWN9iNPaINR3aaZIOaaej"
		"5gQxH/" },
	/* with {SCHEME} before the hash, in any case */
	{ "swordfish", "{CRYPT}" FISH_6 },
	{ "swordfish", "{crypt}" FISH_Y },
	{ "swordfish", "{SHA512-CRYPT}" FISH_6 },
	{ "swordfish", "{Sha256-Crypt}" FISH_5 },
	{ "swordfish", "{BLF-CRYPT}" FISH_2 },
	{ "swordfish", "{BCRYPT}" FISH_2 },
	{ "swordfish", "{YESCRYPT}" FISH_Y },
};
START_TEST(the_right_password_is_right)
	{
		struct errmsg err = { "" };
		char other[64];

		ck_assert_msg(password_usable(right[_i].hash, &err) == 0, "%s", err.text);
		ck_assert_int_eq(password_check(right[_i].hash, right[_i].password),
			PASSWORD_RIGHT);
		if (unit_times(1) == 0)
			return; /* any_other_password_is_wrong takes the same path */
		(void)snprintf(other, sizeof(other), "%sx", right[_i].password);
		ck_assert_int_eq(password_check(right[_i].hash, other), PASSWORD_WRONG);
	}
END_TEST

/* Hashes of swordfish with the costs of passlib, and with the highest ones. */
static const char *const dear_hashes[] = {
	"$6$rounds=656000$saltsalt$qvSr23sq6dYl2oW9VFZgZGYn/lCdm0f8bN5IUMkFW/yNJlR7sg8g/QPVKwl.N.uESo9"
	".hS5CtJG32AoeGjrBV/",
	"$5$rounds=535000$saltsalt$.0LgKLglVCmjnhmfjyh8WLjw9i/2ffErSRpEMxCp9j8",
	"$6$rounds=1000000$saltsalt$IUWgTA4D8nq0ykLDEARr0V9LXgtj0AgneXpwOtltgbwi9mZC3x3ypLWIifrSCpnh3f"
	"wKyG8JEMKbRi5fj56qs.",
	"$5$rounds=1000000$saltsalt$IE0hAG1vCzLNNhzjuxo1TxVHWBy2aaE/M2G2pf9zgh3",
};
START_TEST(a_dear_hash_is_checked)
	{
		struct errmsg err = { "" };

		ck_assert_msg(password_usable(dear_hashes[_i], &err) == 0, "%s", err.text);
		if (unit_times(1) == 0)
			return; /* libxcrypt's rounds are many, and all alike */
		ck_assert_int_eq(password_check(dear_hashes[_i], "swordfish"), PASSWORD_RIGHT);
		ck_assert_int_eq(password_check(dear_hashes[_i], "swordfishx"), PASSWORD_WRONG);
	}
END_TEST

/* A lock is as good as a hash in a row, but no password matches it. */
START_TEST(nothing_matches_a_lock)
	{
		static const char *const locks[] = { "!", "*", "!!", "*LK*", ("!" FISH_6),
			"{CRYPT}!", "{crypt}*" };

		for (size_t i = 0; i < sizeof(locks) / sizeof(locks[0]); i++) {
			ck_assert_int_eq(password_usable_or_lock(locks[i], NULL), 0);
			ck_assert_int_eq(password_usable(locks[i], NULL), -1);
			ck_assert_int_eq(password_check(locks[i], "swordfish"), PASSWORD_WRONG);
			ck_assert_int_eq(password_check(locks[i], locks[i]), PASSWORD_WRONG);
		}
		ck_assert_int_eq(password_usable_or_lock(FISH_6, NULL), 0);
		ck_assert_int_eq(password_usable_or_lock("x!", NULL), -1);
		ck_assert_int_eq(password_usable_or_lock("{OTHER}!", NULL), -1);
	}
END_TEST

static const char *const wrong[] = { "", "Swordfish", "swordfis", "swordfish ", " swordfish",
	"sw\xc3\xb6rdfish", "sw" };
START_TEST(any_other_password_is_wrong)
	{
		ck_assert_int_eq(password_check(FISH_6, wrong[_i]), PASSWORD_WRONG);
		ck_assert_int_eq(password_check(FISH_5, wrong[_i]), PASSWORD_WRONG);
		ck_assert_int_eq(password_check(FISH_2, wrong[_i]), PASSWORD_WRONG);
	}
END_TEST

#define DAMAGED "the hash is truncated or damaged"
#define WEAK "the method is too weak; use $6$, $5$, $y$ or $2b$"
#define UNKNOWN "not a crypt(3) hash that this system supports"
#define NONE "not a crypt(3) hash ($6$, $5$, $y$, $2b$)"

/* Unusable hashes, each tried with the password that it was made from. */
static const struct {
	const char *hash, *why;
} unusable[] = {
	{ "", "empty" },
	{ "swordfish", NONE },
	{ "{PLAIN}swordfish", "the {SCHEME} is not one of crypt(3)" },
	{ "{SSHA}abcdefgh", "the {SCHEME} is not one of crypt(3)" },
	{ "{" FISH_6, "the {SCHEME} is not one of crypt(3)" },
	{ "{CRYPT" FISH_6, "the {SCHEME} is not one of crypt(3)" },
	{ "{CRYPT}", NONE },
	{ "{CRYPT}{CRYPT}" FISH_6, NONE },
	{ "{CRYPT} " FISH_6, NONE },
	{ " " FISH_6, NONE },
	{ "*", NONE },
	{ "!" FISH_6, NONE },
	{ "x", NONE },
	{ "$", UNKNOWN },
	{ "$9$saltsalt$abc", UNKNOWN },
	/* truncated, or with more after the end */
	{ "$6$", DAMAGED },
	{ "$6$saltsalt", DAMAGED },
	{ "$6$saltsalt$", DAMAGED },
	{ "$6$saltsalt$cPbDmdp7sUA1v8Yjfppi8VeFqwELnkKCqsv5H2wx/S4LZwLhIhlK7tCX/4JqgCT3onV3./FXCDD2Y6iXkj4Lp",
		DAMAGED },
	{ FISH_6 "x", DAMAGED },
	{ FISH_6 "$", DAMAGED },
	{ FISH_6 ":x", UNKNOWN },
	{ FISH_6 " ", UNKNOWN },
	{ FISH_5 ".", DAMAGED },
	{ "$5$saltsalt$daAhTF6GHYZ.SNpCbCUBgMUeouPxKWlT5eTP3TzH24", DAMAGED },
	{ FISH_2 ".", DAMAGED },
	{ "$2b$05$abcdefghijklmnopqrstuupWDwJQeCHYIBQy8WvkVB6ImhZ476YY", DAMAGED },
	{ "$y$j75$saltsaltsaltsalt$hH1mLVXC80IXo5DI0qJE5jnWUECCqTNa3loe5qC0ut", DAMAGED },
	{ "$y$j75$saltsaltsaltsalt", DAMAGED },
	{ "$y$j75$", DAMAGED },
	{ FISH_Y ".", DAMAGED },
	{ "$gy$j75$saltsaltsaltsalt$XDzox1eXgbaHRIxL59gh7df4OGqWuUBY", DAMAGED },
	{ "$7$7/..../..../saltsalt$7dPFgqhj6E4AgB8o5VCuaUq4D8nWnMQM5", DAMAGED },
	{ "$7$7/...", DAMAGED },
	/* characters that no salt and no digest has */
	{ "$2b$05$abcdefgh$jklmnopqrstuupWDwJQeCHYIBQy8WvkVB6ImhZ476YYy", DAMAGED },
	{ "$2b$05$abcdefghijklmnopqrstuupWDwJQeCHYIBQy8_vkVB6ImhZ476YYy", DAMAGED },
	{ "$y$j75$saltsalt_altsalt$hH1mLVXC80IXo5DI0qJE5jnWUECCqTNa3loe5qC0utC", DAMAGED },
	{ "$gy$j75$saltsalt+altsalt$XDzox1eXgbaHRIxL59gh7df4OGqWuUBY.Akz/mc6tI8", DAMAGED },
	{ "$7$7/..../..../salt-alt$7dPFgqhj6E4AgB8o5VCuaUq4D8nWnMQM5/TG/TU5ej0", DAMAGED },
	/* bits after the last byte, which crypt(3) never sets: of the salt, of the digest */
	{ "$2b$05$abcdefghijklmnopqrstuvpWDwJQeCHYIBQy8WvkVB6ImhZ476YYy", DAMAGED },
	{ "$2b$05$abcdefghijklmnopqrstuupWDwJQeCHYIBQy8WvkVB6ImhZ476YYz", DAMAGED },
	/* legacy, or cheap */
	{ "$1$saltsalt$oRU2v0epEgeuFbQ18zEuW.", WEAK },
	{ "$md5$saltsalt$$felSWnXVqM5gjltXgugdV.", WEAK },
	{ "$sha1$1000$saltsalt$4OqNhSSrIL.yKZFTZgofGtK6b/ci", WEAK },
	{ "$3$$61fb34469b9989b01be4e8630c52eed6", WEAK },
	{ "$2x$05$abcdefghijklmnopqrstuupWDwJQeCHYIBQy8WvkVB6ImhZ476YYy", WEAK },
	{ "abIudS3O2Umpc", NONE },
	{ "_J9..rasmgatjHSE/Zxs", NONE },
	/* forms for which crypt(3) fails, or which it never makes */
	{ "$6$rounds=999$saltsalt$cPbDmdp7sUA1v8Yjfppi8VeFqwELnkKCqsv5H2wx/S4LZwLhIhlK7tCX/4JqgCT3onV3./"
	  "FXCDD2Y6iXkj4Lp/",
		"rounds=999 is less than 1000" },
	{ "$5$rounds=01000$saltsalt$Z8iVlwsZ1013qGqDLfi/9i2BBlL/blHZpL6qVNJkXH4",
		"without a leading zero" },
	{ "$5$rounds=+1000$saltsalt$Z8iVlwsZ1013qGqDLfi/9i2BBlL/blHZpL6qVNJkXH4",
		"without a leading zero" },
	{ "$5$rounds=$saltsalt$Z8iVlwsZ1013qGqDLfi/9i2BBlL/blHZpL6qVNJkXH4",
		"rounds= is not a number" },
	{ "$5$saltsaltsaltsalts$daAhTF6GHYZ.SNpCbCUBgMUeouPxKWlT5eTP3TzH249",
		"the salt is longer than 16 characters" },
	{ "$2b$5$abcdefghijklmnopqrstuupWDwJQeCHYIBQy8WvkVB6ImhZ476YYy", DAMAGED },
	{ "$2b$005$abcdefghijklmnopqrstuupWDwJQeCHYIBQy8WvkVB6ImhZ476YYy", DAMAGED },
	{ "$2b$03$abcdefghijklmnopqrstuupWDwJQeCHYIBQy8WvkVB6ImhZ476YYy",
		"the bcrypt cost of 3 is less than 4" },
	{ "$y$j75$s$hH1mLVXC80IXo5DI0qJE5jnWUECCqTNa3loe5qC0utC", DAMAGED },
	{ "$y$j75$ss$hH1mLVXC80IXo5DI0qJE5jnWUECCqTNa3loe5qC0utC", DAMAGED },
	{ "$gy$j75$sss$XDzox1eXgbaHRIxL59gh7df4OGqWuUBY.Akz/mc6tI8", DAMAGED },
	{ "$y$j.5$saltsaltsaltsalt$hH1mLVXC80IXo5DI0qJE5jnWUECCqTNa3loe5qC0utC",
		"the yescrypt parameters are not of the usual form (j, N, r)" },
	{ "$7$//..../..../saltsalt$7dPFgqhj6E4AgB8o5VCuaUq4D8nWnMQM5/TG/TU5ej0", DAMAGED },
	/* too costly: a row must not occupy a worker for seconds */
	{ "$6$rounds=1000001$saltsalt$cPbDmdp7sUA1v8Yjfppi8VeFqwELnkKCqsv5H2wx/S4LZwLhIhlK7tCX/4JqgCT3onV3./"
	  "FXCDD2Y6iXkj4Lp/",
		"rounds=1000001 is more than 1000000" },
	{ "$5$rounds=999999999$saltsalt$daAhTF6GHYZ.SNpCbCUBgMUeouPxKWlT5eTP3TzH249",
		"rounds=999999999 is more than 1000000" },
	{ "$5$rounds=99999999999999999999$saltsalt$daAhTF6GHYZ.SNpCbCUBgMUeouPxKWlT5eTP3TzH249",
		"is more than 1000000" },
	{ "$2b$14$abcdefghijklmnopqrstuupWDwJQeCHYIBQy8WvkVB6ImhZ476YYy",
		"the bcrypt cost of 14 is more than 13" },
	{ "$2b$31$abcdefghijklmnopqrstuupWDwJQeCHYIBQy8WvkVB6ImhZ476YYy",
		"the bcrypt cost of 31 is more than 13" },
	{ "$y$jFT$saltsaltsaltsalt$hH1mLVXC80IXo5DI0qJE5jnWUECCqTNa3loe5qC0utC",
		"yescrypt would need more than 64 MiB" },
	{ "$y$jzT$saltsaltsaltsalt$hH1mLVXC80IXo5DI0qJE5jnWUECCqTNa3loe5qC0utC",
		"yescrypt would need more than 64 MiB" },
	{ "$y$j7p$saltsaltsaltsalt$hH1mLVXC80IXo5DI0qJE5jnWUECCqTNa3loe5qC0utC",
		"the yescrypt parameters are not of the usual form (j, N, r)" },
	{ "$y$/75$saltsaltsaltsalt$hH1mLVXC80IXo5DI0qJE5jnWUECCqTNa3loe5qC0utC",
		"the yescrypt parameters are not of the usual form (j, N, r)" },
	{ "$7$J/..../..../saltsalt$7dPFgqhj6E4AgB8o5VCuaUq4D8nWnMQM5/TG/TU5ej0",
		"scrypt would need more than 64 MiB, or p is above 4" },
	{ "$7$7/..../z.../saltsalt$7dPFgqhj6E4AgB8o5VCuaUq4D8nWnMQM5/TG/TU5ej0",
		"scrypt would need more than 64 MiB, or p is above 4" },
};
START_TEST(an_unusable_hash_is_reported_and_accepts_no_password)
	{
		struct errmsg err = { "" };
		const char *hash = unusable[_i].hash;

		ck_assert_int_eq(password_usable(hash, &err), -1);
		ck_assert_ptr_nonnull(strstr(err.text, unusable[_i].why));
		ck_assert_int_eq(password_usable(hash, NULL), -1);
		if (strlen(hash) > 20)
			ck_assert_ptr_null(strstr(err.text, hash + 15)); /* never the hash */
		ck_assert_int_eq(password_check(hash, "swordfish"), PASSWORD_WRONG);
		if (unit_times_or(1, 0) != 0) /* each costs as much as a good hash */
			ck_assert_int_eq(password_check(hash, ""), PASSWORD_WRONG);
	}
END_TEST

/* crypt(3) never makes a hash with rounds below its minimum, so such a hash is never right. */
START_TEST(rounds_must_be_those_that_were_hashed_with)
	{
		char hash[] =
			"$6$rounds=1001$saltsalt$Pz.NeZwrOKpKm9zoXt43nzEgLTvewod6d8MyxWKF2ERHu/"
			"fxVS6EQA70HfP1/65MTN1.vs19WOwQe7rIz9GM5/";

		ck_assert_int_eq(password_check(hash, "swordfish"), PASSWORD_WRONG);
		memcpy(hash + 10, "0999", 4);
		ck_assert_int_eq(password_check(hash, "swordfish"), PASSWORD_WRONG);
	}
END_TEST

START_TEST(each_changed_byte_is_wrong)
	{
		char hash[] = FISH_Y;
		size_t i;

		for (i = 0; i + 1 < sizeof(hash); i += 3) {
			char old = hash[i];

			hash[i] = old == 'a' ? 'b' : 'a';
			ck_assert_int_eq(password_check(hash, "swordfish"), PASSWORD_WRONG);
			hash[i] = old;
		}
		ck_assert_int_eq(password_check(hash, "swordfish"), PASSWORD_RIGHT);
	}
END_TEST

static double seconds(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Prints both times without judging them: an unknown user costs as much as a usual hash. */
START_TEST(an_unknown_user_is_wrong_and_costs_as_much)
	{
		const char *usual = FISH_6;
		double known, unknown, start = seconds();
		const unsigned times = unit_times_or(20, 1);

		for (unsigned i = 0; i < times; i++)
			ck_assert_int_eq(password_check(usual, "x"), PASSWORD_WRONG);
		known = seconds() - start;
		start = seconds();
		for (unsigned i = 0; i < times; i++)
			ck_assert_int_eq(password_check(NULL, "x"), PASSWORD_WRONG);
		unknown = seconds() - start;
		printf("known %.2f ms, unknown %.2f ms\n", 1e3 * known / times,
			1e3 * unknown / times);
		ck_assert_int_eq(password_check(NULL, ""), PASSWORD_WRONG);
	}
END_TEST

/* The first hash costs a second and was made from 257 bytes; the others are of unknown users. */
START_TEST(a_password_of_257_bytes_is_wrong_without_hashing)
	{
		const char *dear = "$6$rounds=1000000$saltsalt$UpqFBGHtzfOb13GsGkCy5SC.7NWXpfLPE"
				   "eGgJBTBFdJRqs34NSThjZUyv9YDjhO3DlpsU3XZfWIr52u/gpoEd.";
		char password[258];
		double start = seconds();

		memset(password, 'x', 257);
		password[257] = '\0';
		ck_assert_int_eq(password_usable(dear, NULL), 0);
		ck_assert_int_eq(password_check(dear, password), PASSWORD_WRONG);
		ck_assert_int_eq(password_check_nobody(dear, password), PASSWORD_WRONG);
		ck_assert_int_eq(password_check(NULL, password), PASSWORD_WRONG);
		ck_assert(seconds() - start < 0.05);
	}
END_TEST

START_TEST(long_passwords_are_whole_or_wrong)
	{
		char password[600], hash[384];
		struct errmsg err = { "" };

		memset(password, 'x', sizeof(password));
		password[256] = '\0';
		ck_assert_int_eq(password_hash(password, "sha512", 1000, hash, &err), 0);
		ck_assert_int_eq(password_check(hash, password), PASSWORD_RIGHT);
		password[255] = '\0';
		ck_assert_int_eq(password_check(hash, password), PASSWORD_WRONG);
		memset(password, 'x', sizeof(password));
		password[257] = '\0';
		ck_assert_int_eq(password_check(hash, password), PASSWORD_WRONG);
		ck_assert_int_eq(password_hash(password, "sha512", 1000, hash, &err), -1);
		ck_assert_str_eq(err.text, "the password is longer than 256 bytes");
	}
END_TEST

static const struct {
	const char *method, *prefix;
	unsigned long rounds;
} methods[] = {
	{ "yescrypt", "$y$", 0 },
	{ "sha512", "$6$", 0 },
	{ "sha256", "$5$", 0 },
	{ "bcrypt", "$2b$12$", 0 },
	{ "yescrypt", "$y$", 1 },
	{ "sha512", "$6$rounds=2000$", 2000 },
	{ "sha256", "$5$rounds=2000$", 2000 },
	{ "bcrypt", "$2b$04$", 4 },
};
START_TEST(a_hashed_password_is_right)
	{
		struct errmsg err = { "" };
		char hash[384], again[384];

		if (methods[_i].rounds == 0 && unit_times(1) == 0)
			return; /* the usual costs take libxcrypt longer, on the same paths */
		ck_assert_msg(password_hash("p\xc3\xa4ss", methods[_i].method, methods[_i].rounds,
				      hash, &err) == 0,
			"%s", err.text);
		ck_assert_ptr_eq(strstr(hash, methods[_i].prefix), hash);
		ck_assert_int_eq(password_usable(hash, NULL), 0);
		ck_assert_int_eq(password_check(hash, "p\xc3\xa4ss"), PASSWORD_RIGHT);
		ck_assert_int_eq(password_check(hash, "pass"), PASSWORD_WRONG);
		ck_assert_int_eq(password_hash("p\xc3\xa4ss", methods[_i].method,
					 methods[_i].rounds, again, &err),
			0);
		ck_assert_str_ne(hash, again); /* each has another salt */
	}
END_TEST

static const struct {
	const char *method;
	unsigned long rounds;
	const char *why;
} bad_methods[] = {
	{ "md5", 0, "unknown method \"md5\"; use yescrypt, sha512, sha256 or bcrypt" },
	{ "", 0, "unknown method \"\"" },
	{ "SHA512", 0, "unknown method \"SHA512\"" },
	{ "bcrypt", 99, "99 is not a cost that bcrypt accepts" },
	{ "bcrypt", 3, "3 is not a cost that bcrypt accepts" },
	{ "yescrypt", 12, "12 is not a cost that yescrypt accepts" },
	/* refused before they are hashed, which would take minutes or days */
	{ "sha512", 1000001, "rounds=1000001 is more than 1000000" },
	{ "sha512", 999999999, "rounds=999999999 is more than 1000000" },
	{ "sha256", 999999999, "rounds=999999999 is more than 1000000" },
	{ "bcrypt", 31, "the bcrypt cost of 31 is more than 13" },
	{ "yescrypt", 11, "yescrypt would need more than 64 MiB" },
};
START_TEST(a_password_that_cannot_be_hashed_is_reported)
	{
		struct errmsg err = { "" };
		char hash[384] = "untouched";

		ck_assert_int_eq(password_hash("x", bad_methods[_i].method, bad_methods[_i].rounds,
					 hash, &err),
			-1);
		ck_assert_ptr_nonnull(strstr(err.text, bad_methods[_i].why));
		ck_assert_str_eq(hash, "untouched");
	}
END_TEST

static void *check_many(void *hash)
{
	const unsigned times = unit_times(10);
	long wrongs = 0;

	for (unsigned i = 0; i < times; i++) {
		wrongs += password_check(hash, "swordfish") != PASSWORD_RIGHT;
		wrongs += password_check(hash, "x") != PASSWORD_WRONG;
	}
	return (void *)wrongs;
}

START_TEST(threads_may_check_at_once)
	{
		static char hashes[][120] = { FISH_6, FISH_5, FISH_Y, FISH_2 };
		pthread_t threads[4];
		void *wrongs;
		int i;

		for (i = 0; i < 4; i++)
			ck_assert_int_eq(pthread_create(&threads[i], NULL, check_many, hashes[i]),
				0);
		for (i = 0; i < 4; i++) {
			ck_assert_int_eq(pthread_join(threads[i], &wrongs), 0);
			ck_assert_ptr_null(wrongs);
		}
	}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

static Suite *make_suite(void)
{
	Suite *suite = suite_create("password");
	TCase *tcase = tcase_create("password");

	tcase_add_loop_test(tcase, the_right_password_is_right, 0, ROWS(right));
	tcase_add_loop_test(tcase, a_dear_hash_is_checked, 0, ROWS(dear_hashes));
	tcase_add_test(tcase, nothing_matches_a_lock);
	tcase_add_loop_test(tcase, any_other_password_is_wrong, 0, ROWS(wrong));
	tcase_add_loop_test(tcase, an_unusable_hash_is_reported_and_accepts_no_password, 0,
		ROWS(unusable));
	tcase_add_test(tcase, rounds_must_be_those_that_were_hashed_with);
	tcase_add_test(tcase, each_changed_byte_is_wrong);
	tcase_add_test(tcase, an_unknown_user_is_wrong_and_costs_as_much);
	tcase_add_test(tcase, a_password_of_257_bytes_is_wrong_without_hashing);
	tcase_add_test(tcase, long_passwords_are_whole_or_wrong);
	tcase_add_loop_test(tcase, a_hashed_password_is_right, 0, ROWS(methods));
	tcase_add_loop_test(tcase, a_password_that_cannot_be_hashed_is_reported, 0,
		ROWS(bad_methods));
	tcase_add_test(tcase, threads_may_check_at_once);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
