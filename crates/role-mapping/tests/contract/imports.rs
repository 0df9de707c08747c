//! Realms that are provisioned with what an import brings.

use latchkey_api::error::reason;
use latchkey_api::roles::v1::role_mapping_server::RoleMapping as _;
use latchkey_api::roles::v1::*;
use tonic::Request;

use crate::setting::*;

fn scope(name: &str) -> ClientScope {
    ClientScope { name: name.to_owned(), ..ClientScope::default() }
}

fn imported(scopes: &[&str], default: &[&str], optional: &[&str]) -> ProvisionRealmRequest {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let client_scopes = ImportedClientScopes {
        client_scopes: scopes.iter().map(|name| scope(name)).collect(),
        default_client_scopes: names(default),
        optional_client_scopes: names(optional),
    };
    ProvisionRealmRequest { client_scopes: Some(client_scopes), ..provisioned("green") }
}

async fn given_client_scopes_replace_the_built_in_ones(s: Setting) {
    let request = imported(&["basic", "tenant", "extra"], &["tenant", "missing"], &["extra"]);
    s.provision(request).await.unwrap();
    let [all, default, optional] = s.scopes("green").await;
    assert_eq!(all, ["basic", "extra", "offline_access", "tenant"]);
    assert_eq!(
        (default, optional),
        (vec!["tenant".to_owned()], vec!["extra".to_owned(), "offline_access".to_owned()])
    );
    let made = s.prepare("green", "later").await;
    assert_eq!(made.default_client_scopes, ["tenant"], "there is no scope of service accounts");
    assert!(s.scopes("red").await[0].contains(&"service_account".to_owned()));
}

async fn a_given_scope_of_offline_tokens_is_left_as_it_is(s: Setting) {
    s.provision(imported(&["offline_access"], &["offline_access"], &[])).await.unwrap();
    let [all, default, optional] = s.scopes("green").await;
    assert_eq!((all.len(), default.len(), optional.len()), (1, 1, 0));
    let held = async |realm: &str| {
        let request = ListClientScopesRequest { realm_id: realm.to_owned() };
        let scopes = answer(s.service.list_client_scopes(Request::new(request)).await).unwrap().client_scopes;
        let scope = scopes.into_iter().find(|scope| scope.name == "offline_access").unwrap();
        let holder = RoleHolder { client_scope_id: scope.id, ..RoleHolder::default() };
        let request = ListRoleMappingsRequest {
            realm_id: realm.to_owned(),
            holder: Some(holder),
            ..ListRoleMappingsRequest::default()
        };
        answer(s.service.list_role_mappings(Request::new(request)).await).unwrap().roles.len()
    };
    assert_eq!((held("green").await, held("red").await), (0, 1));
}

async fn scopes_that_do_not_fit_make_no_realm(s: Setting) {
    let twice = s.provision(imported(&["basic", "basic"], &[], &[])).await.unwrap_err();
    assert_eq!(reason(&twice).unwrap(), "CLIENT_SCOPE_EXISTS");
    let nameless = s.provision(imported(&[""], &[], &[])).await.unwrap_err();
    assert_eq!(nameless.code(), tonic::Code::InvalidArgument);
    let mut unknown = imported(&["basic"], &[], &[]);
    unknown.client_scopes.as_mut().unwrap().client_scopes[0].protocol_mappers = vec![ProtocolMapper {
        name: "m".to_owned(),
        protocol_mapper: "nothing".to_owned(),
        ..Default::default()
    }];
    assert_eq!(reason(&s.provision(unknown).await.unwrap_err()).unwrap(), "PROTOCOL_MAPPER_UNKNOWN");
    assert_eq!(s.roles("green").await, [""; 0]);
    assert_eq!(s.scopes("green").await, [const { Vec::<String>::new() }; 3]);
}

async fn a_given_default_role_is_every_new_accounts(s: Setting) {
    let request = ProvisionRealmRequest { default_role_name: "everybody".to_owned(), ..provisioned("green") };
    s.provision(request).await.unwrap();
    assert_eq!(s.roles("green").await, ["everybody", "offline_access", "uma_authorization"]);
    assert!(s.roles("red").await.contains(&"default-roles-red".to_owned()));
    let account = s.prepare("green", "worker").await.service_account_user_id;
    let request = ListRoleMappingsRequest {
        realm_id: "green".to_owned(),
        holder: Some(RoleHolder { user_id: account, ..RoleHolder::default() }),
        ..ListRoleMappingsRequest::default()
    };
    let held = answer(s.service.list_role_mappings(Request::new(request)).await).unwrap().roles;
    assert_eq!(held.into_iter().map(|role| role.name).collect::<Vec<_>>(), ["everybody"]);
}

contract!(
    given_client_scopes_replace_the_built_in_ones,
    a_given_scope_of_offline_tokens_is_left_as_it_is,
    scopes_that_do_not_fit_make_no_realm,
    a_given_default_role_is_every_new_accounts,
);
