/* SPDX-License-Identifier: BSD-3-Clause */
/* Published packets and digests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/esp_internal.h"
#include "tests/unit/crypto/esp_lab.h"

/* draft-mcgrew-gcm-test-01 section 4, but for the one with SPI 0, which is reserved, and
 * another with the key and nonce of its neighbours. */
struct gcm_vector {
	const char *key, *nonce, *aad, *plain, *cipher, *tag;
};

/* RFC 3602 section 4, cases 5 to 8: ESP packets without integrity. */
struct cbc_vector {
	const char *key, *packet, *payload;
	uint8_t next_header;
};

static const struct gcm_vector gcm_vectors[] = {
	{
		"4c80cdefbb5d10da906ac73c3613a634",
		"2e443b684956ed7e3b244cfe",
		"000043218765432100000000",
		"45000048699a000080114db7c0a80102c0a801010a9bf15638d301000001000000000000"
		"045f736970045f756470037369700963796265726369747902646b000021000101020201",
		"fecf537e729d5b07dc30df528dd22b768d1b98736696a6fd348509fa13ceac34cfa2436f"
		"14a3f3cf65925bf1f4a13c5d15b21e1884f5ff6247aeabb786b93bce61bc17d768fd9732",
		"459018148f6cbe722fd04796562dfdb4",
	},
	{
		"feffe9928665731c6d6a8f9467308308",
		"cafebabefacedbaddecaf888",
		"0000a5f80000000a",
		"4500003e698f000080114dccc0a80102c0a801010a980035002a2343b2d0010000010000"
		"00000000037369700963796265726369747902646b00000100010001",
		"deb22cd9b07c72c16e3a65beeb8df304a5a5897d33ae530f1ba76d5d114d2a5c3de81827"
		"c10e9a4f51330d0eec416642cfbb85a5b47e48a4ec3b9ba95d918bd1",
		"83b70d3aa8bc6ee4c309e9d85a41ad4a",
	},
	{
		"abbccddef00112233445566778899aababbccddef00112233445566778899aab",
		"112233440102030405060708",
		"4a2cbfe300000002",
		"4500003069a6400080062690c0a801029389155e0a9e008b2dc57ee00000000070024000"
		"20bf0000020405b40101040201020201",
		"ff425c9b724599df7a3bcd510194e00d6a78107f1b0b1cbf06efae9d65a5d763748a6379"
		"85771d347f0545659f14e99def842d8e",
		"b335f4eecfdbf831824b4c4915956c96",
	},
	{
		"3de09874b388e6491988d0c3607eae1f",
		"57690e434e280000a2fca1a3",
		"42f67e3f1010101010101010",
		"4500003c99c300008001cb7c40679318010101010800085c020043006162636465666768"
		"696a6b6c6d6e6f707172737475767761626364656667686901020201",
		"fba2caa4853cf9f0f22cb10d86dd83b0fec75691cf1a04b00d1138ec9c35791765acbd87"
		"01ad79845bf9fe3fba487bc91755e6662b4c8d0d1f5e22739530320a",
		"e0d731cc978ecafaeae88f00e80d6e48",
	},
	{
		"3de09874b388e6491988d0c3607eae1f",
		"57690e434e280000a2fca1a3",
		"42f67e3f1010101010101010",
		"4500001c42a200008001441f406793b6e00000020a00f5ff01020201",
		"fba2ca845e5df9f0f22c3e6e86dd831e1fc65792cd1af9130e1379ed",
		"369f071f35e034be95f112e4e7d05d35",
	},
	{
		"feffe9928665731c6d6a8f9467308308feffe9928665731c",
		"cafebabefacedbaddecaf888",
		"0000a5f80000000a",
		"45000028a4ad4000400678800a01038f0a010612802306b8cb712602dd6bb03e501016d0"
		"75680001",
		"a5b1f8066029aea40e598b8122de02420938b3ab33f828e687b8858b5bfbdbd0315b2745"
		"2144cc77",
		"95457b9652037f5318027b5b4cd7a636",
	},
	{
		"abbccddef00112233445566778899aab",
		"decaf888cafedebaceface74",
		"000001000000000000000001",
		"4500004933ba00007f119106c3fb1d10c2b1d326c02831ce0035dd7b800302d500004e20"
		"001e8c18d75b81dc91baa0476b91b924b280389d92c963bac046ec959b6266c04722b149"
		"23010101",
		"18a6fd42f72cbf4ab2a2ea901f73d814e3e7f243d95412e1c349c1d2fbec168f9190feeb"
		"af2cb01984e65863965d7472b79da345e0e780191f0d2f0e0f496c226f2127b27db35724"
		"e7845d68",
		"651f57e65f354f75ff17015769623436",
	},
	{
		"abbccddef00112233445566778899aababbccddef00112233445566778899aab",
		"73616c74616e640169766563",
		"17405e67156f3126dd0db99b",
		"45080028732c00004006e9f90a0106120a01038f06b88023dd6bafbecb71260250101f64"
		"6d540001",
		"f2d69ecdbd5a0d5b8d5ef38bad4da58d1f278fde98ef67549d524a3018d9a57ff4d3a31c"
		"e673119e",
		"451626c2415771e3b7eebca614c89b35",
	},
	{
		"abbccddef00112233445566778899aababbccddef00112233445566778899aab",
		"73616c74616e640169766563",
		"17405e67156f3126dd0db99b",
		"636973636f0172756c657301746865016e6574776501646566696e650174686574656368"
		"6e6f6c6f67696573017468617477696c6c01646566696e65746f6d6f72726f7701020201",
		"d4b7ed86a1777f2ea13d6973d324c69e7b43f826fb56831226508bebd2dceb18d0a6df10"
		"e5487df074113e14c641024e3e6773d91a62ee429b043a10e3efe6b012a49363412364f8",
		"c0cac587f249e56b11e24f30e44ccc76",
	},
	{
		"7d773d00c144c525ac619d18c84a3f47",
		"d966426743457e9182443bc6",
		"335467aeffffffff",
		"01020201",
		"437f866b",
		"cb3f699fe9b0822bac961c4504bef270",
	},
	{
		"abbccddef00112233445566778899aab",
		"decaf888cafedebaceface74",
		"000001000000000000000001",
		"746f016265016f72016e6f7401746f0162650001",
		"29c9fc69a197d038ccdd14e2ddfcaa0543332164",
		"412503524303ed3c6c5f283843af8c3e",
	},
	{
		"6c6567616c697a656d6172696a75616e61616e64646f69746265666f72656961",
		"7475726e333021696765746d",
		"796b6963ffffffffffffffff",
		"45000030da3a00008001df3bc0a80005c0a800010800c6cd020007006162636465666768"
		"696a6b6c6d6e6f707172737401020201",
		"f97ab2aa356d8edce17644ac8c78e25dd24dedbb29ebf1b64a274b39b49c3a864cd3d78c"
		"a4ae68a32b42458fb57dbe821dcc63b9",
		"d0937ba2945f669368661a329fb4c053",
	},
};

static const struct cbc_vector cbc_vectors[] = {
	{
		"90d382b410eeba7ad938c46cec1a82bf",
		"0000432100000001e96e8c08ab465763fd098d45dd3ff893f663c25d325c18c6a9453e19"
		"4e120849a4870b66cc6b9965330013b4898dc856a4699e523a55db080b59ec3a8e4b7e52"
		"775b07d1db34ed9c538ab50c551b874aa269add047ad2d5913ac19b7cfbad4a6",
		"08000ebda70a00008e9c083db95b070008090a0b0c0d0e0f101112131415161718191a1b"
		"1c1d1e1f202122232425262728292a2b2c2d2e2f3031323334353637",
		1,
	},
	{
		"90d382b410eeba7ad938c46cec1a82bf",
		"000043210000000869d08df7d203329db093fc4924e5bd80f51995881ec4e0c4488987ce"
		"742e8109689bb379d2d750c0d915dca346a89f75",
		"0800b5e8a80a0500a69c083d0b660e00777777777777777777777777",
		1,
	},
	{
		"0123456789abcdef0123456789abcdef",
		"0000876500000002f4e765244f6407adf13dc1380f673f37773b5241a4c449225e4f3ce5"
		"ed611b0c237ca96cf74a93013c1b0ea1a0cf70f8e4ecaec78ac53aad7a0f022b859243c6"
		"47752e94a859352b8a4d4d2decd136e5c177f132ad3fbfb2201ac9904c74ee0a109e0ca1"
		"e4dfe9d5a100b842f1c22f0d",
		"45000054090400004001f988c0a87b03c0a87bc808009f76a90a0100b49c083d02a20400"
		"08090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b"
		"2c2d2e2f3031323334353637",
		4,
	},
	{
		"0123456789abcdef0123456789abcdef",
		"000087650000000585d47224b5f3dd5d2101d4ea8dffab2215b92683819596a8047232cc"
		"00f7048fe45318e11f8a0f62ede3c3fc61203bb50f980a08c9843fd3a1b06d5c07ff9639"
		"b7eb7dfb3512e5de435e7207ed971ef3d2726d9b5ef6affc6d17a0decbb13892",
		"45000044090c00004001f990c0a87b03c0a87bc80800d63caa0a0200c69c083da3de0300"
		"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
		4,
	},
};

static uint32_t
unhex(const char *hex, uint8_t *out)
{
	uint32_t n = 0;

	for (; hex[2 * n]; n++) {
		unsigned int v;

		assert_int_equal(sscanf(hex + 2 * n, "%2x", &v), 1);
		out[n] = (uint8_t)v;
	}
	return n;
}

static uint32_t
be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void
one_gcm(const struct gcm_vector *v)
{
	uint8_t key[64], nonce[16], aad[16], plain[128], packet[256];
	uint32_t key_len = unhex(v->key, key), aad_len = unhex(v->aad, aad),
		 plain_len = unhex(v->plain, plain), len = 16;
	uint64_t seq =
		aad_len == 12 ? (uint64_t)be32(aad + 4) << 32 | be32(aad + 8) : be32(aad + 4);
	struct esp_job job;
	struct lab_sa l;
	char name[32];

	snprintf(name, sizeof(name), "aes%u-gcm16", key_len * 8);
	lab_config(&l, suite_by_name(name), NULL);
	unhex(v->nonce, nonce);
	memcpy(l.keys.encryption, key, key_len);
	memcpy(l.keys.encryption + key_len, nonce, 4);
	l.config.spi = be32(aad);
	l.config.esn = aad_len == 12;
	lab_start(&l);
	esp_sa_replay(l.in)->top = seq - 1;
	memcpy(packet, aad, 4);
	memcpy(packet + 4, aad + aad_len - 4, 4);
	memcpy(packet + 8, nonce + 4, 8);
	len += unhex(v->cipher, packet + len);
	len += unhex(v->tag, packet + len);
	job = (struct esp_job){.sa = l.in, .data = packet, .len = len};
	assert_int_equal(esp_decapsulate_burst(lab_engine, &job, 1), 1);
	assert_int_equal(job.len, plain_len - 2 - plain[plain_len - 2]);
	assert_int_equal(job.next_header, plain[plain_len - 1]);
	assert_memory_equal(job.data, plain, plain_len);
	assert_true(job.seq == seq);
	lab_end(&l);
}

static void
test_gcm(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(gcm_vectors) / sizeof(gcm_vectors[0]); i++)
		one_gcm(&gcm_vectors[i]);
}

/* With the ICV added that the vectors lack. */
static void
test_cbc(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cbc_vectors) / sizeof(cbc_vectors[0]); i++) {
		const struct cbc_vector *v = &cbc_vectors[i];
		uint8_t packet[256], payload[128], again[256];
		uint32_t len = unhex(v->packet, packet), payload_len = unhex(v->payload, payload);
		struct esp_job job;
		struct lab_sa l;

		lab_config(&l, suite_by_name("aes128-cbc"), suite_by_name("hmac-sha1-96"));
		unhex(v->key, l.keys.encryption);
		l.config.spi = be32(packet);
		lab_start(&l);
		/* The reference is right about the published part, so its ICV will do. */
		job = (struct esp_job){.sa = l.in, .data = again};
		job.len = reference_seal(&l.config, be32(packet + 4), packet + 8, payload,
			payload_len, len - 24 - payload_len - 2, v->next_header, NULL, again);
		assert_int_equal(job.len, len + 12);
		assert_memory_equal(again, packet, len);
		assert_int_equal(esp_decapsulate_burst(lab_engine, &job, 1), 1);
		assert_int_equal(job.len, payload_len);
		assert_memory_equal(job.data, payload, payload_len);
		assert_int_equal(job.next_header, v->next_header);
		lab_end(&l);
	}
}

/* Keys as long as ESP's: RFC 2202 (case 1), RFC 4868 section 2.7.2 (AUTH-1). */
static void
test_hmac(void **state)
{
	static const struct {
		const char *integrity;
		uint8_t key_octet;
		const char *data, *icv;
	} rows[] = {
		{"hmac-md5-96", 0x0b, "Hi There", "9294727a3638bb1c13f48ef8"},
		{"hmac-sha1-96", 0x0b, "Hi There", "b617318655057264e28bc0b6"},
		{"hmac-sha2-256-128", 0x0b, "Hi There", "198a607eb44bfbc69903a0f1cf2bbdc5"},
		{"hmac-sha2-256-96", 0x0b, "Hi There", "198a607eb44bfbc69903a0f1"},
		{"hmac-sha2-384-192", 0x0b, "Hi There",
			"b6a8d5636f5c6a7224f9977dcf7ee6c7fb6d0c48cbdee973"},
		{"hmac-sha2-512-256", 0x0b, "Hi There",
			"637edc6e01dce7e6742a99451aae82df23da3e92439e590e43e761b33e910fb8"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct esp_hmac_keys *keys;
		uint8_t tag[64], want[64];
		struct lab_sa l;
		IMB_JOB job = {0};

		lab_config(&l, suite_by_name("null"), suite_by_name(rows[i].integrity));
		memset(l.keys.integrity, rows[i].key_octet, sizeof(l.keys.integrity));
		lab_start(&l);
		keys = (const void *)l.in->keys;
		job.src = (const uint8_t *)rows[i].data;
		job.msg_len_to_hash_in_bytes = strlen(rows[i].data);
		job.auth_tag_output = tag;
		job.auth_tag_output_len_in_bytes = l.in->hash == ESP_SHA256 ? 16 : l.in->icv_len;
		job.hash_alg = esp_hash_alg(l.in->hash);
		job.cipher_mode = IMB_CIPHER_NULL;
		job.cipher_direction = IMB_DIR_ENCRYPT;
		job.chain_order = IMB_ORDER_HASH_CIPHER;
		job.u.HMAC._hashed_auth_key_xor_ipad = keys->states;
		job.u.HMAC._hashed_auth_key_xor_opad = keys->states + esp_opad_at(l.in->hash);
		esp_hash_submit(lab_engine, ESP_WIDE, &job, 1, l.in->hash);
		if (lab_engine->own_hash[l.in->hash][0])
			esp_hash_submit(lab_engine, ESP_OWN, &job, 1, l.in->hash);
		assert_int_equal(unhex(rows[i].icv, want), l.in->icv_len);
		assert_memory_equal(tag, want, l.in->icv_len);
		lab_end(&l);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gcm),
		cmocka_unit_test(test_cbc),
		cmocka_unit_test(test_hmac),
	};
	int failed = 0;

	reference_init();
	for (int arch = ESP_ARCH_AUTO; arch <= ESP_ARCH_NO_SHA; arch++) {
		lab_engine = esp_engine_create(arch);
		if (!lab_engine)
			continue; /* this CPU has not got it */
		printf("%s\n", esp_engine_kernel(lab_engine));
		failed += cmocka_run_group_tests(tests, NULL, NULL);
		esp_engine_destroy(lab_engine);
		if (arch == ESP_ARCH_AUTO && failed)
			break;
	}
	reference_fini();
	return failed;
}
