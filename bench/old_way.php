<?php
// The way of the system before this one: each request connects, logs in, lists and parses, line by line.
// It listed the endpoints alone; with ?contacts=1 it also finds out what GET /peers tells of each.

$manager = stream_socket_client('tcp://127.0.0.1:' . $_SERVER['AMI_PORT'], $code, $words, 5);
if ($manager === false) {
    http_response_code(503);
    header('Content-Length: 0');
    exit;
}
stream_set_timeout($manager, 5);
fgets($manager);  // the banner
fwrite($manager, "Action: Login\r\nUsername: {$_SERVER['AMI_USERNAME']}\r\nSecret: {$_SERVER['AMI_SECRET']}\r\nEvents: off\r\n\r\n");

function ask($manager, string $action, string $item, string $end): array
{
    fwrite($manager, "Action: $action\r\n\r\n");
    $items = [];
    $message = [];
    while (($line = fgets($manager)) !== false) {
        $line = trim($line);
        if ($line !== '') {
            $parts = explode(':', $line, 2);
            $message[trim($parts[0])] = trim($parts[1] ?? '');
            continue;
        }
        $event = $message['Event'] ?? '';
        if ($event === $end) {
            return $items;
        }
        if ($event === $item) {
            $items[] = $message;
        }
        $message = [];
    }
    http_response_code(503);
    return [];
}

$peers = ask($manager, 'PJSIPShowEndpoints', 'EndpointList', 'EndpointListComplete');
if (isset($_GET['contacts'])) {
    $contacts = [];
    foreach (ask($manager, 'PJSIPShowContacts', 'ContactList', 'ContactListComplete') as $contact) {
        $contacts[$contact['Endpoint']][] = $contact;
    }
    foreach ($peers as &$peer) {
        $peer['Contacts'] = $contacts[$peer['ObjectName']] ?? [];
    }
}
fclose($manager);

$body = json_encode($peers);
header('Content-Type: application/json');
header('Content-Length: ' . strlen($body));
echo $body;
