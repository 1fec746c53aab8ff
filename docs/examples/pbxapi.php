<?php
// A request to pbxapi in plain PHP: no extension beyond those that PHP is built with.

function pbxapi(string $method, string $path, ?array $body = null, array $headers = []): mixed
{
    $headers[] = 'Authorization: Bearer ' . getenv('KEY');
    $options = ['method' => $method, 'timeout' => 30, 'ignore_errors' => true];
    if ($body !== null) {
        $headers[] = 'Content-Type: application/json';
        $options['content'] = json_encode($body ?: new stdClass());
    }
    $options['header'] = $headers;
    $answer = file_get_contents(getenv('API') . $path, false, stream_context_create(['http' => $options]));
    $status = (int) explode(' ', $http_response_header[0])[1];
    $document = json_decode($answer, true);
    if ($status >= 400) {
        // Problem details, RFC 9457: `type` for programs, `detail` for people, `request_id` for the log.
        throw new RuntimeException("$status {$document['detail']} (request {$document['request_id']})");
    }
    return $document;
}
