/*
 * JSON Web Tokens: signatures of the RFCs' examples and of each type of key, claims against the
 * rules, and tokens that are truncated or forged.
 */
#include <stdio.h>
#include <string.h>

#include "lib/auth/jwt.h"
#include "t/unit/lib/tokens.h"
#include "t/unit/unit.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))
#define SECRET "0123456789abcdef0123456789abcdef"
#define NOW INT64_C(1700000000)

/* RFC 7515 appendices A.1, A.2 and A.3, RFC 8037 A.4, RFC 7520 sections 4.1 and 4.4: the signatures
 * alone. */
#define CLAIMS_7515                                                        \
	"eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt" \
	"cGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
#define TEXT_7520                                                                              \
	"SXTigJlzIGEgZGFuZ2Vyb3VzIGJ1c2luZXNzLCBGcm9kbywgZ29pbmcgb3V0IHlvdXIgZG9vci4gWW91IHN0" \
	"ZXAgb250byB0aGUgcm9hZCwgYW5kIGlmIHlvdSBkb24ndCBrZWVwIHlvdXIgZmVldCwgdGhlcmXigJlzIG5v" \
	"IGtub3dpbmcgd2hlcmUgeW91IG1pZ2h0IGJlIHN3ZXB0IG9mZiB0by4"
#define BILBO                                                                                         \
	"\"kty\":\"RSA\",\"kid\":\"bilbo.baggins@hobbiton.example\",\"use\":\"sig\",\"n\":\"n4EPtAOC" \
	"c9AlkeQHPzHStgAbgs7bTZLwUBZdR8_KuKPEHLd4rHVTeT-O-XV2jRojdNhxJWTDvNd7nqQ0VEiZQHz_AJmSCp"      \
	"MaJMRBSFKrKb2wqVwGU_NsYOYL-QtiWN2lbzcEe6XC0dApr5ydQLrHqkHHig3RBordaZ6Aj-oBHqFEHYpPe7Tpe-"    \
	"OfVfHd1E6cS6M1FZcD1NNLYD5lFHpPI9bTwJlsde3uhGqC0ZCuEHg8lhzwOHrtIQbS0FVbb9k3-tVTU4fg_3L_v"     \
	"niUFAKwuCLqKnS2BYwdq_mzSnbLY7h_qixoR7jig3__kRhuaxwUkRz5iaiQkqgc5gHdrNP5zw\",\"e\":\"AQAB\""
#define BILBO_EC                                                                                               \
	"\"kty\":\"EC\",\"kid\":\"bilbo.baggins@hobbiton.example\",\"use\":\"sig\",\"crv\":\"P-521\",\"x\":\"" \
	"AHKZLLOsCOzz5cY97ewNUajB957y-C-U88c3v13nmGZx6sYl_oJXu9A5RkTKqjqvjyekWF-7ytDyRXYgCF5cj0Kt\","          \
	"\"y\":\"AdymlHvOiLxXkEhayXQnNCvDX4h9htZaCJN34kfmC6pV5OhQHiraVySsUdaQkAgDPrwQrJmbnX9cwlGfP-Hq"         \
	"HZR1\""
#define FRODO                                                                                                 \
	"\"kty\":\"oct\",\"kid\":\"018c0ae5-4d9b-471b-bfd6-eef314bc7037\",\"use\":\"sig\",\"alg\":\"HS256\"," \
	"\"k\":\"hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg\""

static const struct {
	const char *where, *jwk, *token;
	const char *why; /* "": it is valid */
} vectors[] = {
	{ "7515 A.1",
		"{\"kty\":\"oct\",\"k\":\"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4h"
		"cgUuTwjAzZr1Z9CAow\"}",
		"eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." CLAIMS_7515
		".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
		"" },
	{ "7515 A.2",
		"{\"kty\":\"RSA\",\"n\":\"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw"
		"-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7"
		"OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxv"
		"b3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h"
		"4FRWyuXpoQ\",\"e\":\"AQAB\"}",
		"eyJhbGciOiJSUzI1NiJ9." CLAIMS_7515
		".cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8"
		"W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvk"
		"SjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCn"
		"vWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
		"" },
	{ "7515 A.3",
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
		"\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}",
		"eyJhbGciOiJFUzI1NiJ9." CLAIMS_7515
		".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
		"" },
	{ "7515 A.5", "{" FRODO "}", "eyJhbGciOiJub25lIn0." CLAIMS_7515 ".",
		"\"none\" is not supported" },
	{ "8037 A.4",
		"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}",
		"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09P"
		"GcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
		"" },
	{ "7520 4.1", "{\"keys\":[{" BILBO "},{" FRODO "}]}",
		"eyJhbGciOiJSUzI1NiIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9." TEXT_7520
		".MRjdkly7_-oTPTS3AXP41iQIGKa80A0ZmTuV5MEaHoxnW2e5CZ5NlKtainoFmKZopdHM1O2U4mwzJdQx996ivp8"
		"3xuglII7PNDi84wnB-BDkoBwA78185hX-Es4JIwmDLJK3lfWRa-XtL0RnltuYv746iYTh_qHRD68BNt1uSNCrUCT"
		"JDt5aAE6x8wW1Kt9eRo4QPocSadnHXFxnt8Is9UzpERV0ePPQdLuW3IS_de3xyIrDaLGdjluPxUAhb6L2aXic1U1"
		"2podGU0KLUQSE_oI-ZnmKJ3F4uOZDnd6QZWJushZ41Axf_fcIe8u9ipH84ogoree7vjbU5y18kDquDg",
		"" },
	{ "7520 4.3", "{\"keys\":[{" BILBO "},{" BILBO_EC "},{" FRODO "}]}",
		"eyJhbGciOiJFUzUxMiIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9." TEXT_7520
		".AE_R_YZCChjn4791jSQCrdPZCNYqHXCTZH0-JZGYNlaAjP2kqaluUIIUnC9qvbu9Plon7KRTzoNEuT4Va2cmL1e"
		"JAQy3mtPBu_u_sDDyYjnAMDxXPn7XrT0lw-kvAD890jl8e2puQens_IEKBpHABlsbEPX6sFY8OcGDqoRuBomu9xQ2",
		"" },
	{ "7520 4.4", "{\"keys\":[{" BILBO "},{" FRODO "}]}",
		"eyJhbGciOiJIUzI1NiIsImtpZCI6IjAxOGMwYWU1LTRkOWItNDcxYi1iZmQ2LWVlZjMxNGJjNzAzNyJ9." TEXT_7520
		".s0h6KThzkfBBBkLspW1h84VsJZFTsPPqMDA7g1Md7p0",
		"" },
};

static struct jwt_keys *keys_of(const char *text)
{
	struct jwt_keys *keys = jwt_keys_new();
	struct errmsg err = { "" };

	ck_assert_msg(jwt_keys_add_text(keys, text, strlen(text), NULL, &err) == 0, "%s", err.text);
	return keys;
}

START_TEST(verifies_the_vectors_of_the_rfcs)
	{
		struct jwt_keys *keys = keys_of(vectors[_i].jwk);
		struct errmsg err = { "" };
		char *payload = NULL;
		size_t len;
		int ret = jwt_verify(keys, vectors[_i].token, strlen(vectors[_i].token), &payload,
			&len, &err);

		ck_assert_msg(ret == (vectors[_i].why[0] == '\0' ? 0 : -1), "%s: %s",
			vectors[_i].where, err.text);
		ck_assert_msg(strstr(err.text, vectors[_i].why) != NULL, "%s", err.text);
		free(payload);
		jwt_keys_unref(&keys);
	}
END_TEST

/* Changing any byte of a good token makes it invalid. */
START_TEST(a_changed_byte_is_a_forgery)
	{
		struct jwt_keys *keys = keys_of(vectors[_i].jwk);
		char *token = strdup(vectors[_i].token), *payload;
		size_t len = strlen(token), payload_len;

		for (size_t i = 0; i < len; i += 7) {
			char was = token[i];

			token[i] = was == 'A' ? 'B' : 'A';
			ck_assert_int_eq(jwt_verify(keys, token, len, &payload, &payload_len, NULL),
				-1);
			token[i] = was;
		}
		ck_assert_int_eq(jwt_verify(keys, token, len, &payload, &payload_len, NULL), 0);
		free(payload);
		free(token);
		jwt_keys_unref(&keys);
	}
END_TEST

#define HS256 "{\"alg\":\"HS256\"}"
#define GOOD "\"exp\":1700000300,\"mail\":\"Bob@Example.COM\""

/* Header and claims, correctly signed with the shared secret. */
static const struct {
	const char *header, *claims;
	const char *why; /* "": it is accepted */
} rows[] = {
	{ HS256, "{" GOOD "}", "" },
	{ "{\"typ\":\"JWT\",\"alg\":\"HS256\",\"kid\":\"any\"}", "{" GOOD "}", "" },
	{ "{\"alg\":\"HS256\",\"jku\":\"https://evil.example\",\"jwk\":{\"kty\":\"oct\",\"k\":\"AAAA\"},"
	  "\"x5u\":\"https://evil.example\"}",
		"{" GOOD "}", "" },
	{ "{\"alg\":\"HS256\",\"crit\":[\"exp\"],\"exp\":1}", "{" GOOD "}", "crit" },
	{ "{\"alg\":\"HS256\",\"crit\":[]}", "{" GOOD "}", "crit" },
	{ "{\"alg\":\"none\"}", "{" GOOD "}", "\"none\" is not supported" },
	{ "{\"alg\":\"None\"}", "{" GOOD "}", "\"None\" is not supported" },
	{ "{\"alg\":\"hs256\"}", "{" GOOD "}", "is not supported" },
	{ "{\"alg\":\"HS384\"}", "{" GOOD "}",
		"HS384 needs a secret of at least 48 bytes; ours has 32" },
	{ "{\"alg\":\"HS512\"}", "{" GOOD "}",
		"HS512 needs a secret of at least 64 bytes; ours has 32" },
	{ "{\"alg\":\"ES512\"}", "{" GOOD "}", "not for the token's algorithm ES512" },
	{ "{\"alg\":\"ES256K\"}", "{" GOOD "}", "\"ES256K\" is not supported" },
	{ "{\"alg\":\"RS256\"}", "{" GOOD "}", "not for the token's algorithm RS256" },
	{ "{\"alg\":null}", "{" GOOD "}", "has no algorithm" },
	{ "{\"alg\":[\"HS256\"]}", "{" GOOD "}", "has no algorithm" },
	{ "{}", "{" GOOD "}", "has no algorithm" },
	{ "[]", "{" GOOD "}", "not a JSON object" },
	{ "{\"alg\":\"HS256\",\"alg\":\"none\"}", "{" GOOD "}", "occurs twice" },
	{ "{\"alg\":\"HS256\",\"kid\":7}", "{" GOOD "}", "key id is not a string" },
	{ HS256, "{\"mail\":\"a@b.example\"}", "no exp" },
	{ HS256, "{\"exp\":\"1700000300\",\"mail\":\"a@b.example\"}", "exp is not a number" },
	{ HS256, "{\"exp\":null,\"mail\":\"a@b.example\"}", "exp is not a number" },
	{ HS256, "{\"exp\":1700000000.5,\"mail\":\"a@b.example\"}", "" },
	{ HS256, "{\"exp\":1699999941,\"mail\":\"a@b.example\"}", "" },
	{ HS256, "{\"exp\":1699999940,\"mail\":\"a@b.example\"}", "expired 60 s ago" },
	{ HS256, "{\"exp\":0,\"mail\":\"a@b.example\"}", "expired 1700000000 s ago" },
	{ HS256, "{\"exp\":-1,\"mail\":\"a@b.example\"}", "expired" },
	{ HS256, "{\"exp\":253402300799,\"mail\":\"a@b.example\"}", "" }, /* the year 9999 */
	{ HS256, "{\"exp\":999999999999,\"mail\":\"a@b.example\"}", "" },
	{ HS256, "{\"exp\":1000000000000,\"mail\":\"a@b.example\"}", "exp is no time in seconds" },
	{ HS256, "{\"exp\":1700000300000,\"mail\":\"a@b.example\"}", "in milliseconds" },
	{ HS256, "{\"exp\":1700000300000.5,\"mail\":\"a@b.example\"}", "in milliseconds" },
	{ HS256, "{\"exp\":1.7e12,\"mail\":\"a@b.example\"}", "in milliseconds" },
	{ HS256, "{\"exp\":1600000000000,\"mail\":\"a@b.example\"}", "in milliseconds" },
	{ HS256, "{\"exp\":1700000300000000000,\"mail\":\"a@b.example\"}", "no time in seconds" },
	{ HS256, "{\"exp\":1e300,\"mail\":\"a@b.example\"}", "no time in seconds" },
	{ HS256, "{" GOOD ",\"nbf\":1700000000000}", "nbf is no time in seconds" },
	{ HS256, "{" GOOD ",\"nbf\":1600000000000}", "nbf is no time in seconds" },
	{ HS256, "{" GOOD ",\"iat\":1700000000000}", "iat is no time in seconds" },
	{ HS256, "{" GOOD ",\"iat\":1700000000}", "" },
	{ HS256, "{" GOOD ",\"iat\":1700000000.25,\"nbf\":1699999999}", "" },
	{ HS256, "{" GOOD ",\"nbf\":1700000060}", "" },
	{ HS256, "{" GOOD ",\"nbf\":1700000061}", "not valid for another 61 s" },
	{ HS256, "{" GOOD ",\"nbf\":32503680000}", "not valid" },
	{ HS256, "{" GOOD ",\"nbf\":\"now\"}", "nbf is not a number" },
	{ HS256, "{" GOOD ",\"mail\":\"eve@evil.example\"}", "twice" },
	{ HS256, "{\"exp\":1700000300}", "mail is missing" },
	{ HS256, "{\"exp\":1700000300,\"mail\":7}", "mail is not a string" },
	{ HS256, "{\"exp\":1700000300,\"mail\":[\"a@b.example\"]}", "mail is not a string" },
	{ HS256, "{\"exp\":1700000300,\"mail\":\"\"}", "not a mail address" },
	{ HS256, "{\"exp\":1700000300,\"mail\":\"bob\"}", "not a mail address" },
	{ HS256, "{\"exp\":1700000300,\"mail\":\"@b.example\"}", "not a mail address" },
	{ HS256, "{\"exp\":1700000300,\"mail\":\"bob@\"}", "not a mail address" },
	{ HS256, "{\"exp\":1700000300,\"mail\":\"a@b@c.example\"}", "not a mail address" },
	{ HS256, "{\"exp\":1700000300,\"mail\":\"<a@b.example>\"}", "not a mail address" },
	{ HS256, "{\"exp\":1700000300,\"mail\":\"a@b.example, c@d.example\"}",
		"not a mail address" },
	{ HS256, "{\"exp\":1700000300,\"mail\":\"a@b.example\\r\\nRCPT TO:<x@y>\"}",
		"not a mail address" },
	{ HS256, "{\"exp\":1700000300,\"mail\":\"a\\n@b.example\"}", "not a mail address" },
	{ HS256, "{\"exp\":1700000300,\"mail\":\"a@b.example\\u0000\"}", "not a JSON object" },
	{ HS256, "{\"exp\":1700000300,\"mail\":\"a@b.example\"", "not a JSON object" },
	{ HS256, "\"text\"", "not a JSON object" },
	{ HS256, "", "not a JSON object" },
};

static struct jwt_keys *secret_keys(void)
{
	struct jwt_keys *keys = jwt_keys_new();

	ck_assert_int_eq(jwt_keys_add_secret(keys, SECRET, strlen(SECRET), NULL), 0);
	return keys;
}

static struct jwt_rules rules_of(const struct jwt_keys *keys)
{
	return (struct jwt_rules){ .keys = keys,
		.issuer = "",
		.audience = "",
		.mail_claim = "mail" };
}

START_TEST(checks_header_and_claims_against_the_rules)
	{
		struct jwt_keys *keys = secret_keys();
		const struct jwt_rules rules = rules_of(keys);
		struct jwt_bearer bearer = { .mail = "untouched" };
		const char *mail = bearer.mail;
		char *token;
		struct errmsg err = { "" };
		int ret;

		token = token_sign(rows[_i].header, rows[_i].claims, JWT_HS256, NULL, SECRET,
			strlen(SECRET));
		ret = jwt_check(&rules, token, strlen(token), NOW, &bearer, &err);
		ck_assert_msg(ret == (rows[_i].why[0] == '\0' ? 0 : -1), "%s %s: %s",
			rows[_i].header, rows[_i].claims, err.text);
		ck_assert_msg(strstr(err.text, rows[_i].why) != NULL, "%s", err.text);
		ck_assert_msg(strstr(err.text, token) == NULL, "the token is in the reason");
		if (ret < 0)
			ck_assert_str_eq(mail, "untouched");
		else
			ck_assert_msg(strcasecmp(mail, "bob@example.com") == 0 ||
					strcmp(mail, "a@b.example") == 0,
				"%s", mail);
		free(token);
		jwt_keys_unref(&keys);
	}
END_TEST

/* Texts that are not a whole token. */
static const struct {
	const char *token, *why;
} texts[] = {
	{ "", "no dots" },
	{ "secret", "no dots" },
	{ "eyJhbGciOiJIUzI1NiJ9", "ends in its header" },
	{ "eyJhbGciOiJIUzI1NiJ9.e30", "ends in its claims" },
	{ "eyJhbGciOiJIUzI1NiJ9.e30.", "signature is too short" },
	{ "eyJhbGciOiJIUzI1NiJ9.e30.A", "ends within its signature" },
	{ "eyJhbGciOiJIUzI1NiJ9.e30.AAAA", "signature is too short" },
	{ "eyJhbGciOiJIUzI1NiJ9.e30.AA==", "signature is not base64url" },
	{ "eyJhbGciOiJIUzI1NiJ9.e30.AA.AA", "more than three" },
	{ "eyJhbGciOiJIUzI1NiJ9==.e30.AAAA", "header is not base64url" },
	{ "eyJhbGciOiJIUzI1NiJ9.e30.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
		"not made with our key" },
	{ "..", "not a JSON object" },
	{ "....", "more than three" },
};

START_TEST(reports_the_fault_of_a_text)
	{
		struct jwt_keys *keys = secret_keys();
		const struct jwt_rules rules = rules_of(keys);
		struct jwt_bearer bearer;
		struct errmsg err = { "" };

		ck_assert_int_eq(jwt_check(&rules, texts[_i].token, strlen(texts[_i].token), NOW,
					 &bearer, &err),
			-1);
		ck_assert_msg(strstr(err.text, texts[_i].why) != NULL, "%s: %s", texts[_i].token,
			err.text);
		jwt_keys_unref(&keys);
	}
END_TEST

static const size_t cuts[] = { 127, 255 };

/* Some clients truncate passwords to the size of a buffer. */
START_TEST(a_cut_token_is_called_cut)
	{
		struct token_pair *pair = token_pair_new("RSA");
		char *pem = token_pair_pem(pair), *token;
		struct jwt_bearer bearer;
		struct jwt_keys *keys = keys_of(pem);
		const struct jwt_rules rules = rules_of(keys);
		struct errmsg err = { "" };

		token = token_sign("{\"alg\":\"RS256\"}",
			"{" GOOD ",\"name\":\"Robert Somebody of Somewhere\"}", JWT_RS256, pair,
			NULL, 0);
		ck_assert_uint_gt(strlen(token), 255);
		ck_assert_int_eq(jwt_check(&rules, token, cuts[_i], NOW, &bearer, &err), -1);
		ck_assert_msg(strstr(err.text, "is cut off") != NULL, "%s", err.text);
		free(token);
		free(pem);
		jwt_keys_unref(&keys);
		token_pair_free(&pair);
	}
END_TEST

static const struct {
	const char *claims, *issuer, *audience, *why;
	bool refuse_audience, has_ignored_audience;
} parties[] = {
	{ "{" GOOD "}", "", "", "", false, false },
	{ "{" GOOD ",\"iss\":\"me\",\"aud\":\"mail\"}", "", "", "", false, true },
	{ "{" GOOD ",\"aud\":[]}", "", "", "", false, true },
	{ "{" GOOD "}", "", "", "", true, false },
	{ "{" GOOD ",\"iss\":\"me\"}", "", "", "", true, false },
	{ "{" GOOD ",\"aud\":\"mail\"}", "", "", "audience (aud)", true, false },
	{ "{" GOOD ",\"aud\":\"\"}", "", "", "audience (aud)", true, false },
	{ "{" GOOD ",\"aud\":[\"mail\"]}", "", "", "audience (aud)", true, false },
	{ "{" GOOD ",\"aud\":[]}", "", "", "audience (aud)", true, false },
	{ "{" GOOD ",\"aud\":null}", "", "", "audience (aud)", true, false },
	{ "{" GOOD ",\"aud\":7}", "", "", "audience (aud)", true, false },
	{ "{" GOOD ",\"iss\":\"me\",\"aud\":\"mail\"}", "me", "", "audience (aud)", true, false },
	{ "{" GOOD ",\"aud\":\"mail\"}", "", "mail", "", true, false },
	{ "{" GOOD ",\"aud\":\"web\"}", "", "mail", "another one", true, false },
	{ "{" GOOD ",\"iss\":\"me\"}", "me", "", "", false, false },
	{ "{" GOOD ",\"iss\":\"Me\"}", "me", "", "issuer", false, false },
	{ "{" GOOD ",\"iss\":[\"me\"]}", "me", "", "issuer", false, false },
	{ "{" GOOD "}", "me", "", "issuer", false, false },
	{ "{" GOOD ",\"aud\":\"mail\"}", "", "mail", "", false, false },
	{ "{" GOOD ",\"aud\":[\"web\",\"mail\"]}", "", "mail", "", false, false },
	{ "{" GOOD ",\"aud\":[\"web\",7]}", "", "mail", "another one", false, false },
	{ "{" GOOD ",\"aud\":\"web\"}", "", "mail", "another one", false, false },
	{ "{" GOOD ",\"aud\":[]}", "", "mail", "another one", false, false },
	{ "{" GOOD ",\"aud\":{\"mail\":1}}", "", "mail", "another one", false, false },
	{ "{" GOOD "}", "", "mail", "missing", false, false },
};

START_TEST(checks_issuer_and_audience_where_they_are_set)
	{
		struct jwt_keys *keys = secret_keys();
		struct jwt_rules rules = rules_of(keys);
		struct jwt_bearer bearer;
		char *token;
		struct errmsg err = { "" };

		rules.issuer = parties[_i].issuer;
		rules.audience = parties[_i].audience;
		rules.refuse_audience = parties[_i].refuse_audience;
		token = token_sign(HS256, parties[_i].claims, JWT_HS256, NULL, SECRET,
			strlen(SECRET));
		ck_assert_msg(jwt_check(&rules, token, strlen(token), NOW, &bearer, &err) ==
				(parties[_i].why[0] == '\0' ? 0 : -1),
			"%s", err.text);
		ck_assert_msg(strstr(err.text, parties[_i].why) != NULL, "%s", err.text);
		if (parties[_i].why[0] == '\0')
			ck_assert_int_eq(bearer.has_ignored_audience,
				parties[_i].has_ignored_audience);
		free(token);
		jwt_keys_unref(&keys);
	}
END_TEST

/* Claims that say whether the issuer knows that the address belongs to the bearer. */
static const struct {
	const char *mail_claim, *claims, *why;
} verifications[] = {
	{ "email", "\"email\":\"a@b.example\",\"email_verified\":true", "" },
	{ "email", "\"email\":\"a@b.example\",\"email_verified\":\"true\"", "" },
	{ "email", "\"email\":\"a@b.example\"", "" },
	{ "email", "\"email\":\"a@b.example\",\"email_verified\":false", "email_verified" },
	{ "email", "\"email\":\"a@b.example\",\"email_verified\":\"false\"", "email_verified" },
	{ "email", "\"email\":\"a@b.example\",\"email_verified\":null", "email_verified" },
	{ "email", "\"email\":\"a@b.example\",\"email_verified\":1", "email_verified" },
	{ "mail", "\"mail\":\"a@b.example\",\"mail_verified\":false", "mail_verified" },
	/* a copy of the same address, and another one */
	{ "mail", "\"mail\":\"a@b.example\",\"email\":\"A@b.example\",\"email_verified\":false",
		"email_verified" },
	{ "mail", "\"mail\":\"a@b.example\",\"email\":\"c@d.example\",\"email_verified\":false",
		"" },
	{ "mail", "\"mail\":\"a@b.example\",\"email_verified\":false", "" },
	{ "email", "\"email\":\"a@b.example\",\"phone_number_verified\":false", "" },
};
START_TEST(an_address_that_its_issuer_has_not_verified_is_refused)
	{
		struct jwt_keys *keys = secret_keys();
		struct jwt_rules rules = rules_of(keys);
		struct jwt_bearer bearer;
		char claims[256], *token;
		struct errmsg err = { "" };

		rules.mail_claim = verifications[_i].mail_claim;
		(void)snprintf(claims, sizeof(claims), "{\"exp\":1700000300,%s}",
			verifications[_i].claims);
		token = token_sign(HS256, claims, JWT_HS256, NULL, SECRET, strlen(SECRET));
		ck_assert_msg(jwt_check(&rules, token, strlen(token), NOW, &bearer, &err) ==
				(verifications[_i].why[0] == '\0' ? 0 : -1),
			"%s: %s", claims, err.text);
		ck_assert_msg(strstr(err.text, verifications[_i].why) != NULL, "%s", err.text);
		ck_assert(bearer.is_no_guess);
		ck_assert(!bearer.lacks_key);
		free(token);
		jwt_keys_unref(&keys);
	}
END_TEST

START_TEST(a_token_of_9_kib_is_refused)
	{
		struct jwt_keys *keys = secret_keys();
		const struct jwt_rules rules = rules_of(keys);
		char claims[7000], *token;
		struct jwt_bearer bearer;
		struct errmsg err = { "" };

		(void)snprintf(claims, sizeof(claims), "{" GOOD ",\"x\":\"%06800d\"}", 7);
		token = token_sign(HS256, claims, JWT_HS256, NULL, SECRET, strlen(SECRET));
		ck_assert_uint_gt(strlen(token), 9000);
		ck_assert_int_eq(jwt_check(&rules, token, strlen(token), NOW, &bearer, &err), -1);
		ck_assert_ptr_nonnull(strstr(err.text, "longer than 8192"));
		free(token);
		jwt_keys_unref(&keys);
	}
END_TEST

/* Each type of key with each algorithm of public keys: only matching pairs verify. */
static const struct {
	const char *type, *header;
	enum jwt_algorithm algorithm;
} pairs[] = {
	{ "RSA", "{\"alg\":\"RS256\"}", JWT_RS256 },
	{ "RSA", "{\"alg\":\"RS384\"}", JWT_RS384 },
	{ "RSA", "{\"alg\":\"RS512\"}", JWT_RS512 },
	{ "RSA", "{\"alg\":\"PS256\"}", JWT_PS256 },
	{ "RSA", "{\"alg\":\"PS384\"}", JWT_PS384 },
	{ "RSA", "{\"alg\":\"PS512\"}", JWT_PS512 },
	{ "RSA-PSS", "{\"alg\":\"PS512\"}", JWT_PS512 },
	{ "P-384", "{\"alg\":\"ES384\"}", JWT_ES384 },
	{ "P-521", "{\"alg\":\"ES512\"}", JWT_ES512 },
	{ "ED25519", "{\"alg\":\"Ed25519\"}", JWT_EDDSA },
	{ "RSA-PSS", "{\"alg\":\"PS256\"}", JWT_PS256 },
	{ "EC", "{\"alg\":\"ES256\"}", JWT_ES256 },
	{ "ED25519", "{\"alg\":\"EdDSA\"}", JWT_EDDSA },
};

START_TEST(verifies_with_public_keys_and_never_uses_them_as_secrets)
	{
		struct token_pair *pair = token_pair_new(pairs[_i].type),
				  *other = token_pair_new(pairs[_i].type);
		char *pem = token_pair_pem(pair), *token;
		struct jwt_bearer bearer;
		struct jwt_keys *keys = keys_of(pem);
		const struct jwt_rules rules = rules_of(keys);
		struct errmsg err = { "" };

		token = token_sign(pairs[_i].header, "{" GOOD "}", pairs[_i].algorithm, pair, NULL,
			0);
		ck_assert_msg(jwt_check(&rules, token, strlen(token), NOW, &bearer, &err) == 0,
			"%s", err.text);
		ck_assert_int_eq(jwt_check(&rules, token, strlen(token) - 4, NOW, &bearer, &err),
			-1);
		ck_assert_msg(strstr(err.text, "cut off") != NULL, "%s", err.text);
		free(token);
		token = token_sign(pairs[_i].header, "{" GOOD "}", pairs[_i].algorithm, other, NULL,
			0);
		ck_assert_int_eq(jwt_check(&rules, token, strlen(token), NOW, &bearer, &err), -1);
		ck_assert_ptr_nonnull(strstr(err.text, "not made with our key"));
		free(token);
		token = token_sign(HS256, "{" GOOD "}", JWT_HS256, NULL, pem, strlen(pem));
		ck_assert_int_eq(jwt_check(&rules, token, strlen(token), NOW, &bearer, &err), -1);
		ck_assert_ptr_nonnull(strstr(err.text, "not for the token's algorithm HS256"));
		free(token);
		ck_assert_int_eq(jwt_keys_add_secret(keys, pem, strlen(pem), &err), -1);
		ck_assert_ptr_nonnull(strstr(err.text, "belongs in keys_file"));
		free(pem);
		jwt_keys_unref(&keys);
		token_pair_free(&pair);
		token_pair_free(&other);
	}
END_TEST

/* A secret can be guessed, a private key cannot: an issuer who changes his before the file of
 * public keys is changed must not slow his users down. */
static const struct {
	const char *header, *type; /* of the pair of keys; NULL: a secret */
	enum jwt_algorithm algorithm;
	bool is_guess;
} strangers[] = {
	{ HS256, NULL, JWT_HS256, true }, { "{\"alg\":\"EdDSA\"}", "ED25519", JWT_EDDSA, false },
	{ "{\"alg\":\"EdDSA\",\"kid\":\"new\"}", "ED25519", JWT_EDDSA, false },
	{ "{\"alg\":\"ES256\"}", "EC", JWT_ES256, false },
	{ "{\"alg\":\"HS384\"}", NULL, JWT_HS384, false }, /* ours is too short */
};
START_TEST(a_token_of_an_unknown_key_is_a_guess_only_at_a_secret)
	{
		struct token_pair *ours = token_pair_new("ED25519"),
				  *pair = strangers[_i].type == NULL ?
			NULL :
			token_pair_new(strangers[_i].type);
		char *pem = token_pair_pem(ours);
		struct jwt_keys *keys = keys_of(pem);
		const struct jwt_rules rules = rules_of(keys);
		static const char secret[] = "another secret of more than 32 bytes";
		char *token = token_sign(strangers[_i].header, "{" GOOD "}",
			strangers[_i].algorithm, pair, secret, strlen(secret));
		struct jwt_bearer bearer;

		ck_assert_int_eq(jwt_keys_add_secret(keys, SECRET, strlen(SECRET), NULL), 0);
		ck_assert_int_eq(jwt_check(&rules, token, strlen(token), NOW, &bearer, NULL), -1);
		ck_assert_int_eq(bearer.is_no_guess, !strangers[_i].is_guess);
		ck_assert_int_eq(bearer.lacks_key, !strangers[_i].is_guess);
		free(token);
		free(pem);
		jwt_keys_unref(&keys);
		token_pair_free(&pair);
		token_pair_free(&ours);
	}
END_TEST

static const struct {
	const char *text;
	int count; /* -1: refused */
	const char *why;
} files[] = {
	{ "", -1, "neither PEM nor a JWK set" },
	{ "hello\n", -1, "neither PEM nor a JWK set" },
	{ "{", -1, "invalid JSON (line 1" },
	{ "{\"keys\":[]}", 0, "the set is empty" },
	{ "{\"keys\":null}", 0, "the set is empty" },
	{ "{\"keys\":{}}", -1, "not an array" },
	{ "{\"keys\":[7]}", 0, "not a JSON object" },
	{ "{" FRODO "}", 1, "" },
	{ " \n{\"keys\":[{" FRODO "},{" BILBO
	  "},{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"AAAA\"}]}",
		2, "" },
	{ "{\"keys\":[{" FRODO "},{\"kty\":\"RSA\",\"use\":\"enc\"}]}", 1, "" },
	{ "{\"keys\":[{" FRODO "},{\"kty\":\"oct\",\"k\":\"AAAA\"}]}", 1, "" },
	{ "{\"kty\":\"oct\",\"k\":\"AAAA\"}", 0, "the shared secret has 3 bytes" },
	{ "{\"kty\":\"oct\",\"k\":\"%%%\"}", 0, "not base64url" },
	{ "{\"kty\":\"oct\"}", 0, "no \"k\"" },
	{ "{\"kty\":\"oct\",\"kty\":\"RSA\"}", -1, "invalid JSON" },
	{ "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AAAA\",\"y\":\"AAAA\"}", 0, "not a point" },
	{ "{\"kty\":\"EC\",\"crv\":\"P-521\",\"x\":\"AAAA\",\"y\":\"AAAA\"}", 0,
		"not a point of P-521" },
	{ "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
	  "\"y\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\"}",
		0, "not a point" },
	{ "{" BILBO ",\"alg\":\"HS256\"}", 0, "another type of key" },
	{ "{" BILBO ",\"alg\":\"RS512\"}", 1, "" },
	{ "{" BILBO ",\"alg\":\"RS1\"}", 0, "not one of" },
	{ "{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}", 0, "" },
	{ "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", 0,
		"PUBLIC KEY is damaged" },
	{ "-----BEGIN NONSENSE-----\nAAAA\n-----END NONSENSE-----\n", 0, "not a public key" },
};

START_TEST(reads_key_files)
	{
		struct jwt_keys *keys = jwt_keys_new();
		struct problems *problems = problems_new();
		struct errmsg err = { "" };
		int ret = jwt_keys_add_text(keys, files[_i].text, strlen(files[_i].text), problems,
			&err);

		ck_assert_msg(ret == (files[_i].count < 0 ? -1 : 0), "%s: %s", files[_i].text,
			err.text);
		ck_assert_int_eq((int)jwt_keys_count(keys), ret < 0 ? 0 : files[_i].count);
		ck_assert_msg(files[_i].count > 0 || strstr(err.text, files[_i].why) != NULL, "%s",
			err.text);
		problems_free(&problems);
		jwt_keys_unref(&keys);
	}
END_TEST

/* An HMAC key must be as long as the hash (RFC 7518 section 3.2). */
static const struct {
	enum jwt_algorithm algorithm;
	size_t secret_len;
	const char *why; /* "": it is accepted */
} hmacs[] = {
	{ JWT_HS256, 32, "" },
	{ JWT_HS384, 47, "HS384 needs a secret of at least 48 bytes; ours has 47" },
	{ JWT_HS384, 48, "" },
	{ JWT_HS512, 48, "HS512 needs a secret of at least 64 bytes; ours has 48" },
	{ JWT_HS512, 63, "HS512 needs a secret of at least 64 bytes; ours has 63" },
	{ JWT_HS512, 64, "" },
};
START_TEST(a_hash_longer_than_the_secret_is_refused)
	{
		const char secret[] = SECRET SECRET;
		const size_t len = hmacs[_i].secret_len;
		struct jwt_keys *keys = jwt_keys_new();
		struct jwt_rules rules = rules_of(keys);
		char header[32], *token;
		struct jwt_bearer bearer;
		struct errmsg err = { "" };

		ck_assert_int_eq(jwt_keys_add_secret(keys, secret, len, &err), 0);
		(void)snprintf(header, sizeof(header), "{\"alg\":\"%s\"}",
			jwt_algorithm_name(hmacs[_i].algorithm));
		token = token_sign(header, "{" GOOD "}", hmacs[_i].algorithm, NULL, secret, len);
		ck_assert_int_eq(jwt_check(&rules, token, strlen(token), NOW, &bearer, &err),
			hmacs[_i].why[0] == '\0' ? 0 : -1);
		ck_assert_msg(strstr(err.text, hmacs[_i].why) != NULL, "%s", err.text);
		free(token);
		jwt_keys_unref(&keys);
	}
END_TEST

/* The alg of a JWK excludes the other algorithms of its type. */
START_TEST(a_jwk_is_for_its_algorithm_alone)
	{
		struct jwt_keys *keys = keys_of("{" BILBO ",\"alg\":\"PS256\"}");
		struct errmsg err = { "" };
		char *payload;
		size_t len;

		ck_assert_int_eq(jwt_verify(keys, vectors[5].token, strlen(vectors[5].token),
					 &payload, &len, &err),
			-1);
		ck_assert_msg(strstr(err.text, "is not for the token's algorithm RS256") != NULL,
			"%s", err.text);
		jwt_keys_unref(&keys);
	}
END_TEST

START_TEST(a_wrong_key_id_is_reported)
	{
		struct jwt_keys *keys = keys_of("{" FRODO "}"), *none = jwt_keys_new();
		char *token = token_sign("{\"alg\":\"HS256\",\"kid\":\"other\"}", "{" GOOD "}",
			     JWT_HS256, NULL, SECRET, strlen(SECRET)),
		     *payload;
		struct errmsg err = { "" };
		size_t len;

		ck_assert_int_eq(jwt_verify(keys, token, strlen(token), &payload, &len, &err), -1);
		ck_assert_str_eq(err.text, "no key has the token's key id \"other\"");
		ck_assert_int_eq(jwt_verify(none, token, strlen(token), &payload, &len, &err), -1);
		ck_assert_ptr_nonnull(strstr(err.text, "there is no key"));
		free(token);
		jwt_keys_unref(&keys);
		jwt_keys_unref(&none);
		jwt_keys_unref(&none); /* accepts NULL */
	}
END_TEST

START_TEST(keys_that_are_too_weak_are_refused)
	{
		static const char *const types[] = { "RSA-1024", "secp256k1", "X25519" };
		struct token_pair *pair = token_pair_new(types[_i]);
		char *pem = token_pair_pem(pair), *private = token_pair_private_pem(pair);
		struct jwt_keys *keys = jwt_keys_new();
		struct errmsg err = { "" };

		ck_assert_int_eq(jwt_keys_add_text(keys, pem, strlen(pem), NULL, &err), 0);
		ck_assert_int_eq(jwt_keys_add_text(keys, private, strlen(private), NULL, &err), 0);
		ck_assert_ptr_nonnull(strstr(err.text, "a private key"));
		ck_assert_int_eq(jwt_keys_add_secret(keys, SECRET, 31, &err), -1);
		ck_assert_ptr_nonnull(strstr(err.text, "31 bytes"));
		ck_assert_uint_eq(jwt_keys_count(keys), 0);
		free(pem);
		free(private);
		jwt_keys_unref(&keys);
		token_pair_free(&pair);
	}
END_TEST

static Suite *jwt_suite(void)
{
	Suite *suite = suite_create("jwt");
	TCase *tests = tcase_create("jwt");

	tcase_add_loop_test(tests, verifies_the_vectors_of_the_rfcs, 0, COUNT(vectors));
	tcase_add_loop_test(tests, a_changed_byte_is_a_forgery, 0, 3);
	tcase_add_loop_test(tests, checks_header_and_claims_against_the_rules, 0, COUNT(rows));
	tcase_add_loop_test(tests, reports_the_fault_of_a_text, 0, COUNT(texts));
	tcase_add_loop_test(tests, a_cut_token_is_called_cut, 0, COUNT(cuts));
	tcase_add_loop_test(tests, checks_issuer_and_audience_where_they_are_set, 0,
		COUNT(parties));
	tcase_add_loop_test(tests, an_address_that_its_issuer_has_not_verified_is_refused, 0,
		COUNT(verifications));
	tcase_add_test(tests, a_token_of_9_kib_is_refused);
	tcase_add_loop_test(tests, verifies_with_public_keys_and_never_uses_them_as_secrets, 0,
		COUNT(pairs));
	tcase_add_loop_test(tests, a_token_of_an_unknown_key_is_a_guess_only_at_a_secret, 0,
		COUNT(strangers));
	tcase_add_loop_test(tests, reads_key_files, 0, COUNT(files));
	tcase_add_loop_test(tests, a_hash_longer_than_the_secret_is_refused, 0, COUNT(hmacs));
	tcase_add_test(tests, a_jwk_is_for_its_algorithm_alone);
	tcase_add_test(tests, a_wrong_key_id_is_reported);
	tcase_add_loop_test(tests, keys_that_are_too_weak_are_refused, 0, 3);
	suite_add_tcase(suite, tests);
	return suite;
}

UNIT_MAIN(jwt_suite)
