# A token by ruby-oauth2, as the order on standard input says; it or what was raised goes to standard output.
require 'json'
require 'oauth2'
require 'openssl'

order = JSON.parse($stdin.read)
schemes = { 'client_secret_basic' => :basic_auth, 'client_secret_post' => :request_body }
ssl = { ca_file: order['ca'] }
if order['certificate']
  ssl[:client_cert] = OpenSSL::X509::Certificate.new(order['certificate']['cert'])
  ssl[:client_key] = OpenSSL::PKey.read(order['certificate']['key'])
end
client = OAuth2::Client.new(
  order['clientId'], order['secret'],
  token_url: order['url'], auth_scheme: schemes.fetch(order['proof'], :tls_client_auth), connection_opts: { ssl: ssl }
)
begin
  puts JSON.generate(tokens: [client.client_credentials.get_token(scope: 'read').token])
rescue StandardError => e
  puts JSON.generate(error: "#{e.class}: #{e.message}")
end
