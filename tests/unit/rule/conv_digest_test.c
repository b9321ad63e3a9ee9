/* SPDX-License-Identifier: MIT */
/* Unit tests of digests, message authentication codes and AES: vectors of FIPS 180, RFC 4231, SP 800-38A and D. */
/* covers: conv aes_cbc_dec, conv aes_cbc_enc, conv aes_gcm_enc, conv set-var */
#include "fixture.h"

struct want {
	const char *expr, *value;
};

static void expect(struct fixture *f, const struct want *wants, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *got = fx_eval(f, wants[i].expr);
		if (strcmp(got, wants[i].value) != 0)
			fail_msg(
			    "%s gives '%s' instead of '%s'", wants[i].expr, got, wants[i].value);
	}
}

#define EXPECT(f, ...)                                                                             \
	do {                                                                                       \
		static const struct want wants_[] = { __VA_ARGS__ };                               \
		expect(f, wants_, ARRAY_SIZE(wants_));                                             \
	} while (0)

static void digests_of_abc(void **state)
{
	struct fixture f;
	fx_new(&f);
	EXPECT(&f, { "str(abc),sha1,hex", "A9993E364706816ABA3E25717850C26C9CD0D89D" },
	    { "str(abc),sha2,hex",
		"BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD" },
	    { "str(abc),sha2(224),hex",
		"23097D223405D8228642A477BDA255B32AADBCE4BDA0B3F7E36C9DA7" },
	    { "str(abc),sha2(256),hex",
		"BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD" },
	    { "str(abc),sha2(384),length", "48" }, { "str(abc),sha2(512),length", "64" },
	    { "str(abc),digest(md5),hex", "900150983CD24FB0D6963F7D28E17F72" },
	    { "str(abc),digest(SHA1),hex", "A9993E364706816ABA3E25717850C26C9CD0D89D" },
	    { "str(),digest(sha256),hex",
		"E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855" });
	fx_free(&f);
}

/* Test cases 1, 2 and 6 of RFC 4231: the last key is longer than a block. */
static void hmac_of_rfc_4231(void **state)
{
	struct fixture f;
	struct var_list txn = { NULL };
	fx_new(&f);
	f.cx.vars.list[VAR_TXN] = &txn;
	EXPECT(&f,
	    { "'str(Hi There),hmac(sha256,CwsLCwsLCwsLCwsLCwsLCwsLCws=),hex'",
		"B0344C61D8DB38535CA8AFCEAF0BF12B881DC200C9833DA726E9376C2E32CFF7" },
	    { "'str(what do ya want for nothing?),hmac(sha256,SmVmZQ==),hex'",
		"5BDCC146BF60754E6A042426089575C75A003F089D2739839DEC58B964EC3843" },
	    { "bin(aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa),base64,set-var(txn.key),length",
		"176" },
	    { "'str(Test Using Larger Than Block-Size Key - Hash Key First),"
	      "hmac(sha256,txn.key),hex'",
		"60E431591EE0B67F0D8A26AACBF5B77F8E0BC6213728C5140546040F0EE37F54" },
	    { "str(a),hmac(sha256,txn.none)", "<none>" });
	fx_free(&f);
}

/* Test case 4 of the GCM specification (128 bits, with additional data), and F.2.1 of SP 800-38A. */
static void aes_of_the_standards(void **state)
{
	struct fixture f;
	struct var_list txn = { NULL };
	fx_new(&f);
	f.cx.vars.list[VAR_TXN] = &txn;
	EXPECT(&f,
	    { "bin(d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c9595680953"
	      "2fcf0e2449a6b525b16aedf5aa0de657ba637b39),aes_gcm_enc(128,yv66vvrO263eyviI,"
	      "/v/pkoZlcxxtao+UZzCDCA==,txn.tag,/u36zt6tvu/+7frO3q2+76ut2tI=),hex",
		"42831EC2217774244B7221B784D0D49CE3AA212F2C02A4E035C17E2329ACA12E"
		"21D514B25466931C7D8F6A5AAC84AA051BA30B396A0AAC973D58E091" },
	    { "var(txn.tag),b64dec,hex", "5BC94FBC3221A5DB94FAE95AE7121A47" },
	    { "bin(42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c"
	      "7d8f6a5aac84aa051ba30b396a0aac973d58e091),aes_gcm_dec(128,yv66vvrO263eyviI,"
	      "/v/pkoZlcxxtao+UZzCDCA==,txn.tag,/u36zt6tvu/+7frO3q2+76ut2tI=),bytes(0,4),hex",
		"D9313225" },
	    { "bin(42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c"
	      "7d8f6a5aac84aa051ba30b396a0aac973d58e091),aes_gcm_dec(128,yv66vvrO263eyviI,"
	      "/v/pkoZlcxxtao+UZzCDCA==,txn.tag),hex",
		"<none>" },
	    { "bin(6bc1bee22e409f96e93d7e117393172a),aes_cbc_enc(128,AAECAwQFBgcICQoLDA0ODw==,"
	      "K34VFiiu0qar9xWICc9PPA==),bytes(0,16),hex",
		"7649ABAC8119B246CEE98E9B12E9197D" });
	fx_free(&f);
}

static void aes_comes_back_with_every_key_size(void **state)
{
	struct fixture f;
	struct var_list txn = { NULL };
	fx_new(&f);
	f.cx.vars.list[VAR_TXN] = &txn;
	EXPECT(&f, { "str(AAAAAAAAAAAAAAAAAAAAAA==),set-var(txn.iv),length", "24" },
	    { "str(hello),aes_cbc_enc(192,txn.iv,MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3),"
	      "aes_cbc_dec(192,txn.iv,MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3)",
		"hello" },
	    { "str(hello),aes_cbc_enc(256,txn.iv,MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=),"
	      "aes_cbc_dec(256,txn.iv,MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=)",
		"hello" },
	    { "str(hello),aes_gcm_enc(256,AAAAAAAAAAAAAAAA,"
	      "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=,txn.t),aes_gcm_dec(256,"
	      "AAAAAAAAAAAAAAAA,MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=,txn.t)",
		"hello" },
	    /* a key of the wrong length, an unset nonce, bytes that are no blocks */
	    { "str(hello),aes_cbc_enc(256,txn.iv,MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3)", "<none>" },
	    { "str(hello),aes_cbc_enc(128,txn.no,K34VFiiu0qar9xWICc9PPA==)", "<none>" },
	    { "str(hello),aes_cbc_dec(128,txn.iv,K34VFiiu0qar9xWICc9PPA==)", "<none>" });
	fx_free(&f);
}

static void wrong_arguments_are_told(void **state)
{
	static const struct want wrong[] = {
		{ "sha2(128)", "bits are 224" },
		{ "digest(nope)", "no digest 'nope'" },
		{ "hmac(nope,)", "no digest 'nope'" },
		{ "hmac(sha256,*)", "argument 2 is neither base64" },
		{ "aes_cbc_enc(64,a,b)", "bits are 128" },
		{ "aes_gcm_enc(128,AAAA,AAAA,AAAA)", "<aead_tag> is the variable" },
		{ "aes_gcm_dec(128,AAAA,AAAA)", "needs at least 4 argument" },
		{ "aes_cbc_dec(128,AAAA,AAAA,AAAA)", "<aad> has no effect" },
	};
	struct fixture f;
	fx_new(&f);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		const char *said =
		    fx_read(&f, arena_printf(&f.mem, "expr str(a),%s", wrong[i].expr));
		if (!strstr(said, wrong[i].value))
			fail_msg("%s: says '%s'", wrong[i].expr, said);
	}
	fx_free(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digests_of_abc),
		cmocka_unit_test(hmac_of_rfc_4231),
		cmocka_unit_test(aes_of_the_standards),
		cmocka_unit_test(aes_comes_back_with_every_key_size),
		cmocka_unit_test(wrong_arguments_are_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
