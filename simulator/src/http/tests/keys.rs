use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, RSA_PSS_SHA256, RsaKeyPair};
use serde_json::json;

use super::specification::conforms;
use super::*;

/// A private key as it was handed out.
pub(super) enum Signer {
    Rsa(RsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl Signer {
    fn from_pem(pem: &str) -> Self {
        let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
        let der = STANDARD.decode(body).unwrap();
        match pem.lines().next().unwrap() {
            "-----BEGIN RSA PRIVATE KEY-----" => Self::Rsa(RsaKeyPair::from_der(&der).unwrap()),
            "-----BEGIN PRIVATE KEY-----" => {
                Self::Ed25519(Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der).unwrap())
            }
            other => panic!("{other}"),
        }
    }

    fn sign(&self, text: &str) -> String {
        STANDARD.encode(match self {
            Self::Rsa(key) => {
                let mut signature = vec![0; key.public().modulus_len()];
                key.sign(&RSA_PSS_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature).unwrap();
                signature
            }
            Self::Ed25519(key) => key.sign(text.as_bytes()).as_ref().to_vec(),
        })
    }

    pub(super) fn request(&self, id: &str, method: Method, path: &str, body: Option<Value>) -> TestRequest {
        let full = format!("{BASE}{path}");
        let timestamp = (wall_us() / 1_000).to_string();
        let text = format!("{timestamp}{method}{}", full.split('?').next().unwrap());
        let request = TestRequest::with_uri(&full)
            .method(method)
            .insert_header(("KALSHI-ACCESS-KEY", id))
            .insert_header(("KALSHI-ACCESS-SIGNATURE", self.sign(&text)))
            .insert_header(("KALSHI-ACCESS-TIMESTAMP", timestamp));
        match body {
            Some(body) => request.set_json(body),
            None => request,
        }
    }
}

/// Generates an Ed25519 key for member 1 and returns its id and what signs with it.
pub(super) async fn generated<S, B>(client: &Client<S>, body: Value) -> (String, Signer)
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    let answer = client.post("/api_keys/generate", with(body, "key_type", "ed25519")).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let text = |name: &str| answer.body[name].as_str().unwrap().to_owned();
    (text("api_key_id"), Signer::from_pem(&text("private_key")))
}

#[test]
fn generated_keys_of_both_types_sign_at_once_until_they_are_deleted() {
    run(async {
        let world = World::new(Setup::default());
        let client = client(&world).await;
        for (key_type, body) in
            [("rsa", json!({ "name": "bot" })), ("ed25519", json!({ "name": "bot", "key_type": "ed25519" }))]
        {
            let made = client.post("/api_keys/generate", body).await;
            conforms("post", "/api_keys/generate", &made);
            assert_eq!((made.status, made.body["key_type"].as_str()), (201, Some(key_type)));
            let id = made.body["api_key_id"].as_str().unwrap();
            let signer = Signer::from_pem(made.body["private_key"].as_str().unwrap());
            let balance = || signer.request(id, Method::GET, "/portfolio/balance", None);
            assert_eq!(client.send(balance()).await.status, 200);
            let list = client.get("/api_keys").await;
            conforms("get", "/api_keys", &list);
            let found = list.body["api_keys"]
                .as_array()
                .unwrap()
                .iter()
                .find(|key| key["api_key_id"] == id)
                .unwrap()
                .clone();
            assert_eq!((&found["name"], &found["scopes"]), (&json!("bot"), &json!(["read", "write"])));
            let path = format!("/api_keys/{id}");
            assert_eq!(client.signed(2, Method::DELETE, &path, None).await.status, 404, "not the owner");
            assert_eq!(client.delete(&path).await.status, 204);
            assert_eq!(client.send(balance()).await.status, 401);
            assert_eq!(client.delete(&path).await.status, 404);
        }
        assert_eq!(client.get("/api_keys?fcm_subtrader_id=x").await.body["api_keys"], json!([]));
    });
}

#[test]
fn a_public_key_can_be_registered_from_premier_on() {
    run(async {
        let pem = TestKey::new(9).public_pem();
        let body = json!({ "name": "own", "public_key": pem, "scopes": ["read"] });
        let advanced = World::new(Setup::default());
        assert_eq!(client(&advanced).await.post("/api_keys", body.clone()).await.status, 403);
        let mut setup = Setup::default();
        setup.limits.usage_tier = "premier".to_owned();
        let world = World::new(setup);
        let client = client(&world).await;
        let made = client.post("/api_keys", body.clone()).await;
        conforms("post", "/api_keys", &made);
        assert_eq!(made.status, 201);
        let id = made.body["api_key_id"].as_str().unwrap();
        let mut request = TestRequest::get().uri(&format!("{BASE}/portfolio/orders"));
        for header in TestKey::new(9).headers(id, "GET", &format!("{BASE}/portfolio/orders")) {
            request = request.insert_header(header);
        }
        assert_eq!(client.send(request).await.status, 200);
        assert_eq!(client.post("/api_keys", with(body, "public_key", "hello")).await.status, 400);
    });
}

#[test]
fn scopes_bound_what_a_key_can_do() {
    run(async {
        let world = World::new(Setup::default());
        let client = client(&world).await;
        let orders = "/portfolio/events/orders";
        let new = || Some(order("KXT-26-A", "bid", "0.40", "1"));
        for (scopes, balance, list, place) in [
            (json!(["read"]), 200, 200, 403),
            (json!(["read::portfolio_balance"]), 200, 403, 403),
            (json!(["read", "write::trade"]), 200, 200, 201),
            (json!(["read", "write::transfer"]), 200, 200, 403),
        ] {
            let (id, signer) = generated(&client, json!({ "name": "k", "scopes": scopes })).await;
            let get = |path: &str| signer.request(&id, Method::GET, path, None);
            assert_eq!(client.send(get("/portfolio/balance")).await.status, balance, "{scopes}");
            assert_eq!(client.send(get("/portfolio/orders")).await.status, list, "{scopes}");
            let placed = client.send(signer.request(&id, Method::POST, orders, new())).await;
            assert_eq!(placed.status, place, "{scopes}");
        }
        for (body, status) in [
            (json!({ "name": "k", "scopes": ["write"] }), 400),
            (json!({ "name": "k", "scopes": ["everything"] }), 400),
            (json!({ "name": "k", "scopes": [] }), 400),
            (json!({ "name": "k", "subaccount": 7 }), 404),
            (json!({ "name": "k", "key_type": "dsa" }), 400),
            (json!({ "name": "k", "fcm_subtrader_id": "u_1" }), 403),
            (json!({}), 400),
        ] {
            assert_eq!(client.post("/api_keys/generate", body.clone()).await.status, status, "{body}");
        }
    });
}

#[test]
fn a_locked_key_stays_in_its_subaccount() {
    run(async {
        let world = World::new(Setup::default());
        let client = client(&world).await;
        world.exchange.with(|venue| {
            let number = venue.open_subaccount(0).unwrap();
            let id = venue.subaccount(0, number).unwrap();
            venue.accounts[id].cash.insert(0, 1_000_000);
        });
        let (id, signer) = generated(&client, json!({ "name": "k", "subaccount": 1 })).await;
        let get = |path: &str| signer.request(&id, Method::GET, path, None);
        assert_eq!(client.send(get("/portfolio/orders?limit=5")).await.status, 200);
        assert_eq!(client.send(get("/portfolio/orders?subaccount=1")).await.status, 200);
        assert_eq!(client.send(get("/portfolio/orders?subaccount=0")).await.status, 403);
        let post = |path: &str, body: Value| signer.request(&id, Method::POST, path, Some(body));
        let new = order("KXT-26-A", "bid", "0.40", "1");
        assert_eq!(client.send(post("/portfolio/events/orders", new.clone())).await.status, 201);
        client.place(1, order("KXT-26-B", "bid", "0.40", "1")).await;
        let own = client.send(get("/portfolio/orders")).await.body["orders"].clone();
        assert_eq!(own.as_array().unwrap().len(), 1, "not that of the primary account");
        assert_eq!((&own[0]["subaccount_number"], &own[0]["ticker"]), (&json!(1), &json!("KXT-26-A")));
        assert_eq!(client.send(get("/portfolio/balance")).await.body["balance_dollars"], "1.0000");
        let elsewhere = with(new, "subaccount", 0);
        assert_eq!(client.send(post("/portfolio/events/orders", elsewhere)).await.status, 403);
        assert_eq!(client.send(post("/api_keys/generate", json!({ "name": "k" }))).await.status, 403);
        let unsigned = TestRequest::get()
            .uri(&format!("{BASE}/portfolio/orders"))
            .insert_header(("KALSHI-ACCESS-KEY", id.as_str()));
        assert_eq!(client.send(unsigned).await.status, 401);
    });
}

#[test]
fn the_end_of_an_attestation_is_told_and_closes_some_markets() {
    run(async {
        let world = World::new(Setup::default());
        let client = client(&world).await;
        assert!(client.get("/api_keys").await.body.get("api_key_region_expiration_ts").is_none());
        world.exchange.with(|venue| venue.region_expires_us = Some(1_790_000_000_000_000));
        let list = client.get("/api_keys").await;
        conforms("get", "/api_keys", &list);
        assert_eq!(list.body["api_key_region_expiration_ts"], 1_790_000_000);
        let described = |category: &str| crate::venue::market::Series {
            title: String::new(),
            category: category.to_owned(),
            frequency: String::new(),
            tags: Vec::new(),
        };
        world.exchange.with(|venue| {
            venue.region_expires_us = Some(wall_us());
            venue.series.insert("KXT".to_owned(), described("Sports"));
            venue.series.insert("KXU".to_owned(), described("Crypto"));
        });
        let refused = client.place(1, order("KXT-26-A", "bid", "0.40", "1")).await;
        assert_eq!((refused.status, refused.code()), (403, "region_attestation_expired"));
        assert_eq!(client.place(1, order("KXU-26-C", "bid", "0.40", "1")).await.status, 201);
        world.exchange.with(|venue| venue.region_expires_us = Some(wall_us() + HOUR_US));
        assert_eq!(client.place(1, order("KXT-26-A", "bid", "0.40", "1")).await.status, 201);
    });
}
