<?php
// The way of the system before this one: each request connects, logs in, lists and parses, line by line.

$manager = stream_socket_client('tcp://127.0.0.1:' . $_SERVER['AMI_PORT'], $code, $words, 5);
if ($manager === false) {
    http_response_code(503);
    header('Content-Length: 0');
    exit;
}
stream_set_timeout($manager, 5);
fgets($manager);  // the banner
fwrite($manager, "Action: Login\r\nUsername: {$_SERVER['AMI_USERNAME']}\r\nSecret: {$_SERVER['AMI_SECRET']}\r\nEvents: off\r\n\r\n");
fwrite($manager, "Action: PJSIPShowEndpoints\r\n\r\n");

$peers = [];
$complete = false;
$message = [];
while (($line = fgets($manager)) !== false) {
    $line = trim($line);
    if ($line !== '') {
        $parts = explode(':', $line, 2);
        $message[trim($parts[0])] = trim($parts[1] ?? '');
        continue;
    }
    $event = $message['Event'] ?? '';
    if ($event === 'EndpointListComplete') {
        $complete = true;
        break;
    }
    if ($event === 'EndpointList') {
        $peers[] = $message;
    }
    $message = [];
}
fclose($manager);

if (!$complete) {
    http_response_code(503);
}
$body = json_encode($peers);
header('Content-Type: application/json');
header('Content-Length: ' . strlen($body));
echo $body;
